// Transposition: the op on every device, and of every type on the CPU; then the kernel at every size and
// alignment.
#include "engine/ops/transpose.h"

#include <doctest/doctest.h>

#include "kernels/transpose.h"
#include "tests/support/kernel_values.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Size {
  std::int64_t count, rows, cols;
};

// Nothing, one, a tile and its edges, an image of three channels, the weights of a 3x3 convolution.
constexpr Size kSizes[] = {{0, 3, 4},   {2, 0, 4},   {2, 3, 0},    {1, 1, 1},   {3, 1, 40},
                           {3, 40, 1},  {2, 32, 32}, {1, 31, 33},  {2, 33, 31}, {1, 65, 64},
                           {2, 300, 3}, {2, 3, 300}, {70, 9, 100}, {7, 49, 3}};

std::size_t count_of(Size size) {
  return static_cast<std::size_t>(size.count * size.rows * size.cols);
}

template <typename T>
reference::Array wanted(Size size, const std::vector<T>& values) {
  return reference::transpose(array({size.count, size.rows, size.cols}, values));
}

template <typename T>
void check_op(Device device) {
  for (const Size size : kSizes) {
    CAPTURE(size.count);
    CAPTURE(size.rows);
    CAPTURE(size.cols);
    const std::vector<T> values = uniform<T>(count_of(size), 0, 250, 1);
    const Tensor x = Tensor::from({size.count, size.rows, size.cols}, values).to(device);
    poison_free_memory(device);
    Tensor y = Tensor::empty({size.count, size.cols, size.rows}, x.dtype(), device);
    transpose(x, y);
    CHECK(relative_error(y.to_vector<T>(), wanted(size, values)) == 0);
  }
}

}  // namespace

TEST_CASE("transpose: exact on every device, on the CPU for any type") {
  for (const Device device : devices()) {
    check_op<float>(device);
    check_op<bfloat16>(device);
  }
  check_op<double>(Device::cpu());
  check_op<std::uint8_t>(Device::cpu());
  check_op<std::int32_t>(Device::cpu());
  check_op<std::int64_t>(Device::cpu());
}

namespace {

template <typename T>
void check_kernel(Size size, std::size_t shift) {
  CAPTURE(size.count);
  CAPTURE(size.rows);
  CAPTURE(size.cols);
  const std::vector<T> values = uniform<T>(count_of(size), -1, 1, 1);
  const DeviceArray<T> x(values, shift);
  DeviceArray<T> y(values.size(), shift);
  const std::int64_t launches = launch_count();
  kernels::transpose(x.data(), y.data(), size.count, size.rows, size.cols, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (values.empty() ? 0 : 1));
  CHECK_ARRAY(y, wanted(size, values), 0);
}

}  // namespace

TEST_CASE_TEMPLATE("transpose kernel: every size and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Size size : kSizes) {
    check_kernel<T>(size, 0);
    check_kernel<T>(size, 1);
  }
}
