// Sums over rows: on every device, then the kernel at every width, alignment and type.
#include "engine/ops/sum.h"

#include <algorithm>
#include <cmath>

#include "engine/core/parallel.h"
#include "kernels/sum.h"
#include "tests/support/kernel_values.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;

TEST_CASE("sum: over the rows of every shape") {
  for (const Device device : devices()) {
    for (const Shape& shape : {Shape{1, 1}, Shape{0, 5}, Shape{5, 0}, Shape{63, 17}, Shape{64, 3},
                               Shape{2049, 64}, Shape{2, 3, 5, 17}, Shape{7, 4096}}) {
      CAPTURE(shape.text());
      const Tensor x = uniform(shape, -1, 2, 1, device);
      poison_free_memory(device);
      Tensor sum = Tensor::empty({shape[-1]}, DType::f32, device);
      sum_rows(x, sum);
      CHECK_CLOSE(sum, reference::sum_rows(array(x)), tolerance::kElementwise);
    }
  }
}

TEST_CASE("sum: long sums keep their digits, whatever the number of threads") {
  const Tensor x = Tensor::full({1 << 20, 3}, 0.1f);
  Tensor one = Tensor::empty({3}), two = Tensor::empty({3});
  const int threads = thread_count();
  set_thread_count(1);
  sum_rows(x, one);
  set_thread_count(2);
  sum_rows(x, two);
  set_thread_count(threads);
  CHECK(same_bytes(one, two));
  reference::Array wanted({3});
  for (double& value : wanted.values) value = static_cast<double>(0.1f) * (1 << 20);
  CHECK_CLOSE(one, wanted, tolerance::kElementwise);
}

namespace {

// Nothing, one, vectors and their edges, tiles of 32 or 64 columns and their edges, several slices of the
// rows.
constexpr RowShape kKernelShapes[] = {{0, 5},    {5, 0},     {1, 1},   {1, 1000}, {3, 4},
                                      {33, 7},   {64, 88},   {100, 8}, {300, 33}, {513, 68},
                                      {5000, 1}, {4100, 16}, {4, 2048}};

template <typename T>
void check_sum(const RowShape& shape, std::size_t shift) {
  CAPTURE(shape.rows);
  CAPTURE(shape.cols);
  CAPTURE(shift);
  const auto cols = static_cast<std::size_t>(shape.cols);
  const std::vector<T> values = uniform<T>(shape.count(), -1, 2, 1);
  const DeviceArray<T> x(values, shift);
  DeviceArray<float> sum(cols), again(cols);
  std::vector<float> fresh(kernels::sum_rows_workspace_bytes(shape.rows, shape.cols) / sizeof(float), NAN);
  std::fill_n(fresh.begin(), 256, 0.0f);
  DeviceArray<float> workspace(fresh);

  const std::int64_t before = launch_count();
  kernels::sum_rows(x.data(), sum.data(), workspace.data(), shape.rows, shape.cols, nullptr);
  if (is_emulated()) CHECK(launch_count() == before + (shape.cols > 0 ? 1 : 0));
  CHECK_ARRAY(sum, reference::sum_rows(array(shape.shape(), values)), 16 * unit<float>());
  kernels::sum_rows(x.data(), again.data(), workspace.data(), shape.rows, shape.cols, nullptr);
  CHECK(sum.values() == again.values());
}

}  // namespace

TEST_CASE_TEMPLATE("sum kernel: at every width and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const RowShape& shape : kKernelShapes) {
    check_sum<T>(shape, 0);
    check_sum<T>(shape, 1);
  }
}

TEST_CASE("sum kernel: NaN and infinity stay in their column") {
  if (!device_is_there()) return;
  std::vector<float> values(4 * 300, 1);
  values[4 * 100 + 1] = NAN;
  values[4 * 299 + 2] = INFINITY;
  values[3] = 3e38f;
  values[4 * 200 + 3] = -3e38f;
  const DeviceArray<float> x(values);
  DeviceArray<float> sum(4);
  DeviceArray<float> workspace(
      std::vector<float>(kernels::sum_rows_workspace_bytes(300, 4) / sizeof(float), 0.0f));
  kernels::sum_rows(x.data(), sum.data(), workspace.data(), 300, 4, nullptr);
  const std::vector<float> got = sum.values();
  CHECK(got[0] == 300);
  CHECK(std::isnan(got[1]));
  CHECK(got[2] == INFINITY);
  CHECK(std::isfinite(got[3]));
}
