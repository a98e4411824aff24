#include "kernels/transpose.h"

#include <doctest/doctest.h>

#include "tests/support/kernel_values.h"

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

template <typename T>
void check(Size size, std::size_t shift) {
  CAPTURE(size.count);
  CAPTURE(size.rows);
  CAPTURE(size.cols);
  const auto area = static_cast<std::size_t>(size.rows * size.cols);
  const std::vector<T> values = uniform<T>(static_cast<std::size_t>(size.count) * area, -1, 1, 1);
  std::vector<double> wanted(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto cols = static_cast<std::size_t>(size.cols), rows = static_cast<std::size_t>(size.rows);
    const std::size_t matrix = i / area, row = i % area / cols, col = i % cols;
    wanted[matrix * area + col * rows + row] = static_cast<double>(static_cast<float>(values[i]));
  }
  const DeviceArray<T> x(values, shift);
  DeviceArray<T> y(values.size(), shift);
  const std::int64_t launches = launch_count();
  kernels::transpose(x.data(), y.data(), size.count, size.rows, size.cols, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (values.empty() ? 0 : 1));
  CHECK_ARRAY(y, wanted, 0);
}

}  // namespace

TEST_CASE_TEMPLATE("transpose: every size and alignment", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const Size size : kSizes) {
    check<T>(size, 0);
    check<T>(size, 1);
  }
}
