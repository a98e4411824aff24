#include "kernels/bias.h"
#include "kernels/sum.h"

#include <algorithm>

#include <doctest/doctest.h>

#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

namespace {

struct Size {
  std::int64_t rows, cols;
};

// Nothing, one, vectors and their edges, tiles of 32 or 64 columns and their edges, several slices of the
// rows.
constexpr Size kSizes[] = {{0, 5},   {5, 0},    {1, 1},    {1, 1000}, {3, 4},     {33, 7},  {64, 88},
                           {100, 8}, {300, 33}, {513, 68}, {5000, 1}, {4100, 16}, {4, 2048}};

template <typename T>
void check(Size size, std::size_t shift) {
  CAPTURE(size.rows);
  CAPTURE(size.cols);
  CAPTURE(shift);
  const auto count = static_cast<std::size_t>(size.rows * size.cols),
             cols = static_cast<std::size_t>(size.cols);
  const std::vector<T> values = uniform<T>(count, -1, 2, 1);
  const std::vector<float> added = uniform<float>(cols, -1, 1, 2);
  std::vector<double> sums(cols, 0), wanted = widened(values);
  for (std::size_t i = 0; i < count; ++i) {
    sums[i % cols] += wanted[i];
    wanted[i] += double{added[i % cols]};
  }
  const DeviceArray<T> x(values, shift);
  DeviceArray<T> y(values, shift);
  const DeviceArray<float> row(added);
  DeviceArray<float> sum(cols), again(cols);
  std::vector<float> fresh(kernels::sum_rows_workspace_bytes(size.rows, size.cols) / sizeof(float), NAN);
  std::fill_n(fresh.begin(), 256, 0.0f);
  DeviceArray<float> workspace(fresh);

  const std::int64_t launches = launch_count();
  kernels::add_bias(row.data(), y.data(), size.rows, size.cols, nullptr);
  CHECK_ARRAY(y, wanted, unit<T>());
  kernels::sum_rows(x.data(), sum.data(), workspace.data(), size.rows, size.cols, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (size.cols == 0 ? 0 : size.rows == 0 ? 1 : 2));
  CHECK_ARRAY(sum, sums, 16 * unit<float>());
  kernels::sum_rows(x.data(), again.data(), workspace.data(), size.rows, size.cols, nullptr);
  CHECK(sum.values() == again.values());
}

}  // namespace

TEST_CASE_TEMPLATE("rows: a row added and rows summed, at every width and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Size size : kSizes) {
    check<T>(size, 0);
    check<T>(size, 1);
  }
}

TEST_CASE("rows: NaN and infinity stay in their column") {
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
