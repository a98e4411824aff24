// Max pooling: the op on every device, then the kernels for every window, alignment and type.
#include "engine/ops/max_pool.h"

#include <doctest/doctest.h>

#include <limits>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/max_pool.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;
using kernels::PoolShape;

TEST_CASE("max_pool: values and gradients") {
  struct Case {
    Shape x;
    Window window;
  };
  // The ResNet's 3x3/2; windows that overlap, touch and leave gaps; images smaller than the window; channels
  // around a vector.
  const Case cases[] = {
      {{1, 1, 1, 1}, {3, 2, 1}},  {{2, 5, 7, 3}, {3, 2, 1}},    {{1, 8, 8, 64}, {3, 2, 1}},
      {{5, 4, 4, 17}, {2, 2, 0}}, {{1, 7, 6, 8}, {3, 1, 1}},    {{1, 9, 9, 2}, {2, 4, 0}},
      {{1, 2, 3, 4}, {1, 1, 0}},  {{1, 15, 16, 1}, {15, 1, 7}}, {{0, 4, 4, 3}, {3, 2, 1}},
      {{2, 4, 4, 0}, {3, 2, 1}},
  };
  for (const Device device : devices()) {
    for (const Case& c : cases) {
      CAPTURE(c.x.text());
      CAPTURE(c.window.kernel);
      CAPTURE(c.window.stride);
      check_gradients(
          {.op = [&](std::span<const Variable> in) { return max_pool(in[0], c.window); },
           .reference =
               [&](std::span<const reference::Array> in) {
                 return reference::max_pool(in[0], c.window.kernel, c.window.stride, c.window.padding).y;
               },
           .inputs = {uniform(c.x, -1, 1, 1, device)},
           .forward_tolerance = 0});
    }
  }
}

TEST_CASE("max_pool: the first of equals gets the gradient; negative images beat the padding") {
  const Variable x(Tensor::full({1, 3, 3, 1}, -2), true);
  const Variable y = max_pool(x, Window{3, 2, 1});
  CHECK(same_bytes(y.data(), Tensor::full({1, 2, 2, 1}, -2)));
  backward(y, Tensor::full({1, 2, 2, 1}, 1));
  CHECK(x.grad().to_vector<float>() == std::vector<float>{1, 1, 0, 1, 1, 0, 0, 0, 0});
}

TEST_CASE("max_pool: PyTorch's results, ties included") {
  const auto goldens = read_goldens("ops.txt");
  const GoldenCase& golden = goldens.at("max_pool");
  const Variable x(golden.tensor("x"), true);
  const Variable y = max_pool(x, Window{3, 2, 1});
  CHECK_CLOSE(y.data(), golden.array("y"), 0);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), tolerance::kElementwise);
}

TEST_CASE("max_pool: errors") {
  const Variable x(Tensor::zeros({1, 4, 4, 3}));
  CHECK_THROWS_WITH_AS(max_pool(Variable(Tensor::zeros({4, 4})), Window{3, 2, 1}),
                       "max_pool: wanted x [N, H, W, C], got [4, 4]", Error);
  for (const Window window : {Window{16, 1, 0}, Window{0, 1, 0}, Window{3, 0, 1}, Window{3, 2, 2}}) {
    CHECK_THROWS_WITH_AS(max_pool(x, window),
                         doctest::Contains("wanted kernel in 1..15, stride >= 1, padding in 0..kernel/2"),
                         Error);
  }
  CHECK_THROWS_WITH_AS(max_pool(x, Window{7, 1, 1}),
                       "max_pool: wanted height and width of at least 5, got [1, 4, 4, 3]", Error);
}

namespace {

PoolShape shape_of(std::int64_t images, std::int64_t height, std::int64_t width, std::int64_t channels,
                   int kernel, int stride, int padding) {
  return {images,
          height,
          width,
          channels,
          (height + 2 * padding - kernel) / stride + 1,
          (width + 2 * padding - kernel) / stride + 1,
          kernel,
          stride,
          padding};
}

std::vector<std::int64_t> input_extents(const PoolShape& s) {
  return {s.images, s.height, s.width, s.channels};
}
std::vector<std::int64_t> output_extents(const PoolShape& s) {
  return {s.images, s.output_height, s.output_width, s.channels};
}
std::size_t count_of(const std::vector<std::int64_t>& extents) {
  return reference::Array(extents).values.size();
}

template <typename T>
reference::MaxPool pooled(const std::vector<T>& values, const PoolShape& s) {
  return reference::max_pool(array(input_extents(s), values), s.kernel, s.stride, s.padding);
}

template <typename T>
void check_backward(const PoolShape& s, const std::vector<std::uint8_t>& winners, std::size_t shift) {
  const std::vector<T> gradients = uniform<T>(winners.size(), -1, 1, 2);
  const reference::Array wanted =
      reference::max_pool_backward(array(output_extents(s), gradients), winners,
                                   reference::Array(input_extents(s)), s.kernel, s.stride, s.padding);
  const DeviceArray<T> dy(gradients, shift);
  const DeviceArray<std::uint8_t> index(winners, shift);
  DeviceArray<T> dx(wanted.values.size(), shift), again(wanted.values.size(), shift);
  kernels::max_pool_backward(dy.data(), index.data(), dx.data(), s, nullptr);
  CHECK_ARRAY(dx, wanted, 16 * unit<float>() + unit<T>());
  kernels::max_pool_backward(dy.data(), index.data(), again.data(), s, nullptr);
  CHECK(same_bits(dx, again));
}

template <typename T>
void check_kernels(const PoolShape& s, std::size_t shift, bool rounded = false) {
  CAPTURE(s.images);
  CAPTURE(s.height);
  CAPTURE(s.width);
  CAPTURE(s.channels);
  CAPTURE(s.kernel);
  CAPTURE(s.stride);
  CAPTURE(s.padding);
  CAPTURE(shift);
  std::vector<T> values = uniform<T>(count_of(input_extents(s)), -2, 2, 1);
  if (rounded) {  // many equals
    for (T& value : values) value = T(std::round(static_cast<float>(value)));
  }
  const reference::MaxPool wanted = pooled(values, s);
  REQUIRE(wanted.y.shape == output_extents(s));
  const std::size_t outputs = wanted.index.size();
  const DeviceArray<T> x(values, shift);
  DeviceArray<T> y(outputs, shift);
  DeviceArray<std::uint8_t> index(outputs, shift);
  const std::int64_t launches = launch_count();
  kernels::max_pool_forward(x.data(), y.data(), index.data(), s, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (outputs == 0 ? 0 : 1));
  CHECK_ARRAY(y, wanted.y, 0);
  CHECK(index.values() == wanted.index);
  check_backward<T>(s, wanted.index, shift);
}

}  // namespace

TEST_CASE_TEMPLATE("max_pool kernel: shapes, windows, channels and alignments", T, float, bfloat16) {
  if (!device_is_there()) return;
  // ResNet's window; windows that overlap more, not at all, and leave pixels out; padding that only some
  // windows reach; a window larger than the image; the largest window.
  const PoolShape kShapes[] = {
      shape_of(2, 8, 8, 8, 3, 2, 1), shape_of(1, 7, 9, 16, 3, 2, 1), shape_of(1, 6, 5, 3, 3, 1, 1),
      shape_of(3, 4, 6, 1, 2, 2, 0), shape_of(1, 11, 10, 4, 2, 3, 0), shape_of(1, 9, 9, 8, 5, 4, 2),
      shape_of(1, 2, 3, 24, 3, 2, 1), shape_of(1, 3, 40, 72, 3, 2, 1), shape_of(1, 17, 16, 8, 15, 1, 7),
      shape_of(2, 1, 1, 40, 1, 1, 0), shape_of(0, 8, 8, 8, 3, 2, 1), shape_of(2, 8, 8, 0, 3, 2, 1),
      // Some windows lie in the padding alone.
      shape_of(1, 2, 2, 8, 2, 2, 3), shape_of(1, 3, 2, 8, 3, 1, 4)};
  for (const PoolShape& shape : kShapes) {
    check_kernels<T>(shape, 0);
    check_kernels<T>(shape, 1);
    check_kernels<T>(shape, 0, /*rounded=*/true);
  }
}

TEST_CASE_TEMPLATE("max_pool kernel: NaN wins, the last of several; minus infinity has a winner inside", T,
                   float, bfloat16) {
  if (!device_is_there()) return;
  const PoolShape shape = shape_of(1, 4, 4, 8, 3, 2, 1);
  std::vector<T> values(count_of(input_extents(shape)), T(-INFINITY));
  const auto at = [](std::size_t h, std::size_t w, std::size_t channel) { return (h * 4 + w) * 8 + channel; };
  values[at(0, 0, 1)] = T(NAN);
  values[at(1, 1, 1)] = T(5.0f);
  values[at(0, 1, 2)] = values[at(1, 0, 2)] = T(NAN);
  values[at(2, 2, 3)] = T(INFINITY);
  values[at(3, 3, 4)] = T(-std::numeric_limits<float>::max());
  const reference::MaxPool wanted = pooled(values, shape);
  const auto outputs = static_cast<std::size_t>(wanted.y.size());
  const DeviceArray<T> x(values);
  DeviceArray<T> y(outputs);
  DeviceArray<std::uint8_t> index(outputs);
  kernels::max_pool_forward(x.data(), y.data(), index.data(), shape, nullptr);
  CHECK_ARRAY(y, wanted.y, 0);
  CHECK(index.values() == wanted.index);
  CHECK(index.values()[0] == 4);  // the first tap inside, not one of the padding
  CHECK(index.values()[2] == 7);
}

TEST_CASE("max_pool kernel: refuses windows that an index cannot name") {
  if (!device_is_there()) return;
  DeviceArray<float> x(16), y(16);
  DeviceArray<std::uint8_t> index(16);
  for (const PoolShape& shape : {PoolShape{1, 4, 4, 1, 1, 1, 16, 1, 8}, PoolShape{1, 4, 4, 1, 4, 4, 1, 0, 0},
                                 PoolShape{1, 4, 4, 1, 4, 4, 1, 1, -1}}) {
    CHECK_THROWS_AS(kernels::max_pool_forward(x.data(), y.data(), index.data(), shape, nullptr), Error);
    CHECK_THROWS_AS(kernels::max_pool_backward(y.data(), index.data(), x.data(), shape, nullptr), Error);
  }
}
