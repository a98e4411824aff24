// Global average pooling: the op on every device, then the kernels at every width, alignment and type.
#include "engine/ops/global_average_pool.h"

#include <doctest/doctest.h>

#include "engine/autograd/tape.h"
#include "engine/core/check.h"
#include "kernels/global_average_pool.h"
#include "tests/support/goldens.h"
#include "tests/support/gradcheck.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;

TEST_CASE("global_average_pool: values and gradients") {
  for (const Device device : devices()) {
    for (const Shape& shape : {Shape{1, 1, 1, 1}, Shape{2, 3, 5, 17}, Shape{5, 2, 2, 64}, Shape{1, 40, 30, 8},
                               Shape{0, 2, 2, 3}, Shape{3, 2, 2, 0}}) {
      CAPTURE(shape.text());
      check_gradients(
          {.op = [](std::span<const Variable> in) { return global_average_pool(in[0]); },
           .reference =
               [](std::span<const reference::Array> in) { return reference::global_average_pool(in[0]); },
           .inputs = {uniform(shape, -1, 2, 1, device)}});
    }
  }
}

TEST_CASE("global_average_pool: PyTorch's results") {
  const auto goldens = read_goldens("ops.txt");
  const GoldenCase& golden = goldens.at("global_average_pool");
  const Variable x(golden.tensor("x"), true);
  const Variable y = global_average_pool(x);
  CHECK_CLOSE(y.data(), golden.array("y"), tolerance::kElementwise);
  backward(y, golden.tensor("dy"));
  CHECK_CLOSE(x.grad(), golden.array("dx"), tolerance::kElementwise);
}

TEST_CASE("global_average_pool: errors") {
  CHECK_THROWS_WITH_AS(global_average_pool(Variable(Tensor::zeros({2, 3}))),
                       "global_average_pool: wanted x [N, H, W, C], got [2, 3]", Error);
  CHECK_THROWS_WITH_AS(global_average_pool(Variable(Tensor::zeros({2, 0, 3, 4}))),
                       "global_average_pool: wanted height and width of at least 1, got [2, 0, 3, 4]", Error);
}

namespace {

template <typename T, typename To>
void check_kernels(std::int64_t images, std::int64_t pixels, std::int64_t channels, std::size_t shift) {
  CAPTURE(images);
  CAPTURE(pixels);
  CAPTURE(channels);
  CAPTURE(shift);
  const auto outputs = static_cast<std::size_t>(images * channels);
  const std::size_t inputs = outputs * static_cast<std::size_t>(pixels);
  const std::vector<T> values = uniform<T>(inputs, -1, 2, 1), gradients = uniform<T>(outputs, -1, 1, 2);
  const reference::Array whole = array({images, pixels, 1, channels}, values);
  const DeviceArray<T> x(values, shift), dy(gradients, shift);
  DeviceArray<To> y(outputs, shift), dx(inputs, shift);
  const std::int64_t launches = launch_count();
  kernels::global_average_pool_forward(x.data(), y.data(), images, pixels, channels, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (outputs == 0 ? 0 : 1));
  CHECK_ARRAY(y, reference::global_average_pool(whole), 8 * unit<float>() + unit<To>());
  kernels::global_average_pool_backward(dy.data(), dx.data(), images, pixels, channels, nullptr);
  CHECK_ARRAY(dx, reference::global_average_pool_backward(array({images, channels}, gradients), whole),
              unit<To>());
}

}  // namespace

TEST_CASE_TEMPLATE("global_average_pool kernel: pixels, channels, alignments and types", T, float, bfloat16) {
  if (!device_is_there()) return;
  // One pixel, fewer than a block's 8 rows, ResNet's 4 and 49, one step of four loads and its edges; channels
  // around a vector, a tile of 32, 128 and 256; nothing.
  for (const std::int64_t pixels : {0, 1, 4, 31, 33, 49, 97}) {
    for (const std::int64_t channels : {1, 8, 36, 264}) {
      for (const std::size_t shift : {0, 1}) {
        check_kernels<T, T>(2, pixels, channels, shift);
        check_kernels<T, float>(1, pixels, channels, shift);
        check_kernels<T, bfloat16>(1, pixels, channels, shift);
      }
    }
  }
  check_kernels<T, T>(0, 4, 8, 0);
  check_kernels<T, T>(3, 4, 0, 0);
}

TEST_CASE("global_average_pool kernel: large values, infinity and NaN, each in its own channel") {
  if (!device_is_there()) return;
  constexpr std::int64_t kPixels = 40, kChannels = 5;
  std::vector<float> values(kPixels * kChannels, 1);
  for (std::int64_t p = 0; p < kPixels; ++p) values[static_cast<std::size_t>(p * kChannels)] = 1e36f;
  values[kChannels * 7 + 1] = INFINITY;
  values[kChannels * 39 + 2] = NAN;
  values[kChannels * 3 + 3] = -1e-40f;
  const DeviceArray<float> x(values);
  DeviceArray<float> y(kChannels);
  kernels::global_average_pool_forward(x.data(), y.data(), 1, kPixels, kChannels, nullptr);
  const std::vector<float> got = y.values();
  CHECK(got[0] == doctest::Approx(1e36));
  CHECK(got[1] == INFINITY);
  CHECK(std::isnan(got[2]));
  CHECK(got[3] == doctest::Approx(39.0 / 40));
  CHECK(got[4] == 1);
}
