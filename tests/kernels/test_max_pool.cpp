#include "kernels/global_average_pool.h"
#include "kernels/max_pool.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "engine/core/check.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;
using kernels::PoolShape;

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

std::size_t input_count(const PoolShape& s) {
  return static_cast<std::size_t>(s.images * s.height * s.width * s.channels);
}
std::size_t output_count(const PoolShape& s) {
  return static_cast<std::size_t>(s.images * s.output_height * s.output_width * s.channels);
}

/// body(input offset, output offset, tap) for every value that lies in a window, taps of a window in their
/// order.
template <typename Body>
void for_taps(const PoolShape& s, Body body) {
  for (std::int64_t out = 0; out < s.images * s.output_height * s.output_width * s.channels; ++out) {
    const std::int64_t channel = out % s.channels, q = out / s.channels % s.output_width;
    const std::int64_t p = out / s.channels / s.output_width % s.output_height;
    const std::int64_t image = out / s.channels / s.output_width / s.output_height;
    for (int tap = 0; tap < s.kernel * s.kernel; ++tap) {
      const std::int64_t h = p * s.stride - s.padding + tap / s.kernel;
      const std::int64_t w = q * s.stride - s.padding + tap % s.kernel;
      if (h < 0 || h >= s.height || w < 0 || w >= s.width) continue;
      body(static_cast<std::size_t>(((image * s.height + h) * s.width + w) * s.channels + channel),
           static_cast<std::size_t>(out), tap);
    }
  }
}

struct Pooled {
  std::vector<double> y;
  std::vector<std::uint8_t> index;
};

Pooled max_pool(const std::vector<double>& x, const PoolShape& s) {
  constexpr std::uint8_t kNone = 255;
  Pooled result{std::vector<double>(output_count(s), -INFINITY),
                std::vector<std::uint8_t>(output_count(s), kNone)};
  for_taps(s, [&](std::size_t in, std::size_t out, int tap) {
    if (result.index[out] != kNone && !(x[in] > result.y[out]) && !std::isnan(x[in])) return;
    result.y[out] = x[in];
    result.index[out] = static_cast<std::uint8_t>(tap);
  });
  for (std::uint8_t& index : result.index) index = index == kNone ? 0 : index;
  return result;
}

template <typename T>
void check_max_pool(const PoolShape& s, std::size_t shift, bool rounded = false) {
  CAPTURE(s.images);
  CAPTURE(s.height);
  CAPTURE(s.width);
  CAPTURE(s.channels);
  CAPTURE(s.kernel);
  CAPTURE(s.stride);
  CAPTURE(s.padding);
  CAPTURE(shift);
  std::vector<T> values = uniform<T>(input_count(s), -2, 2, 1);
  if (rounded) {  // many equals
    for (T& value : values) value = T(std::round(static_cast<float>(value)));
  }
  const DeviceArray<T> x(values, shift);
  DeviceArray<T> y(output_count(s), shift);
  DeviceArray<std::uint8_t> index(output_count(s), shift);
  const std::int64_t launches = launch_count();
  kernels::max_pool_forward(x.data(), y.data(), index.data(), s, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (output_count(s) == 0 ? 0 : 1));
  const Pooled wanted = max_pool(widened(values), s);
  CHECK_ARRAY(y, wanted.y, 0);
  CHECK(index.values() == wanted.index);

  const std::vector<T> gradient = uniform<T>(output_count(s), -1, 1, 2);
  std::vector<double> wanted_dx(input_count(s), 0);
  for_taps(s, [&](std::size_t in, std::size_t out, int tap) {
    if (wanted.index[out] == tap) wanted_dx[in] += static_cast<double>(static_cast<float>(gradient[out]));
  });
  const DeviceArray<T> dy(gradient, shift);
  DeviceArray<T> dx(input_count(s), shift), again(input_count(s), shift);
  kernels::max_pool_backward(dy.data(), index.data(), dx.data(), s, nullptr);
  CHECK_ARRAY(dx, wanted_dx, 16 * unit<float>() + unit<T>());
  kernels::max_pool_backward(dy.data(), index.data(), again.data(), s, nullptr);
  const std::vector<T> first = dx.values(), second = again.values();
  const bool same = first.empty() || std::memcmp(first.data(), second.data(), first.size() * sizeof(T)) == 0;
  CHECK(same);
}

template <typename T, typename To>
void check_average_pool(std::int64_t images, std::int64_t pixels, std::int64_t channels, std::size_t shift) {
  CAPTURE(images);
  CAPTURE(pixels);
  CAPTURE(channels);
  CAPTURE(shift);
  const auto outputs = static_cast<std::size_t>(images * channels);
  const std::size_t inputs = outputs * static_cast<std::size_t>(pixels);
  const std::vector<T> values = uniform<T>(inputs, -1, 2, 1);
  std::vector<double> wanted(outputs, 0);
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::size_t image = i / static_cast<std::size_t>(pixels * channels);
    wanted[image * static_cast<std::size_t>(channels) + i % static_cast<std::size_t>(channels)] +=
        static_cast<double>(static_cast<float>(values[i])) / static_cast<double>(pixels);
  }
  if (pixels == 0) std::fill(wanted.begin(), wanted.end(), NAN);
  const DeviceArray<T> x(values, shift);
  DeviceArray<To> y(outputs, shift);
  const std::int64_t launches = launch_count();
  kernels::global_average_pool_forward(x.data(), y.data(), images, pixels, channels, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == (outputs == 0 ? 0 : 1));
  CHECK_ARRAY(y, wanted, 8 * unit<float>() + unit<To>());

  const std::vector<T> gradient = uniform<T>(outputs, -1, 1, 2);
  std::vector<double> wanted_dx(inputs);
  for (std::size_t i = 0; i < inputs; ++i) {
    const std::size_t image = i / static_cast<std::size_t>(pixels * channels);
    const std::size_t from =
        image * static_cast<std::size_t>(channels) + i % static_cast<std::size_t>(channels);
    wanted_dx[i] = static_cast<double>(static_cast<float>(gradient[from])) / static_cast<double>(pixels);
  }
  const DeviceArray<T> dy(gradient, shift);
  DeviceArray<To> dx(inputs, shift);
  kernels::global_average_pool_backward(dy.data(), dx.data(), images, pixels, channels, nullptr);
  CHECK_ARRAY(dx, wanted_dx, unit<To>());
}

}  // namespace

TEST_CASE_TEMPLATE("max pool: shapes, windows, channels and alignments", T, float, bfloat16) {
  if (!device_is_there()) return;
  // ResNet's window; windows that overlap more, not at all, and leave pixels out; padding that only some
  // windows reach; a window larger than the image; the largest window.
  const PoolShape kShapes[] = {
      shape_of(2, 8, 8, 8, 3, 2, 1),  shape_of(1, 7, 9, 16, 3, 2, 1),  shape_of(1, 6, 5, 3, 3, 1, 1),
      shape_of(3, 4, 6, 1, 2, 2, 0),  shape_of(1, 11, 10, 4, 2, 3, 0), shape_of(1, 9, 9, 8, 5, 4, 2),
      shape_of(1, 2, 3, 24, 3, 2, 1), shape_of(1, 3, 40, 72, 3, 2, 1), shape_of(1, 17, 16, 8, 15, 1, 7),
      shape_of(2, 1, 1, 40, 1, 1, 0), shape_of(0, 8, 8, 8, 3, 2, 1),   shape_of(2, 8, 8, 0, 3, 2, 1),
      shape_of(1, 2, 2, 8, 2, 2, 3),  shape_of(1, 3, 2, 8, 3, 1, 4)};  // some windows lie in the padding
                                                                       // alone
  for (const PoolShape& shape : kShapes) {
    check_max_pool<T>(shape, 0);
    check_max_pool<T>(shape, 1);
    check_max_pool<T>(shape, 0, /*rounded=*/true);
  }
}

TEST_CASE_TEMPLATE("max pool: NaN wins, the last of several; minus infinity has a winner inside", T, float,
                   bfloat16) {
  if (!device_is_there()) return;
  const PoolShape shape = shape_of(1, 4, 4, 8, 3, 2, 1);
  std::vector<T> values(input_count(shape), T(-INFINITY));
  const auto at = [](std::size_t h, std::size_t w, std::size_t channel) { return (h * 4 + w) * 8 + channel; };
  values[at(0, 0, 1)] = T(NAN);
  values[at(1, 1, 1)] = T(5.0f);
  values[at(0, 1, 2)] = values[at(1, 0, 2)] = T(NAN);
  values[at(2, 2, 3)] = T(INFINITY);
  values[at(3, 3, 4)] = T(-std::numeric_limits<float>::max());
  const DeviceArray<T> x(values);
  DeviceArray<T> y(output_count(shape));
  DeviceArray<std::uint8_t> index(output_count(shape));
  kernels::max_pool_forward(x.data(), y.data(), index.data(), shape, nullptr);
  const Pooled wanted = max_pool(widened(values), shape);
  CHECK_ARRAY(y, wanted.y, 0);
  CHECK(index.values() == wanted.index);
  CHECK(index.values()[0] == 4);  // the first tap inside, not one of the padding
  CHECK(index.values()[2] == 7);
}

TEST_CASE("max pool: refuses windows that an index cannot name") {
  if (!device_is_there()) return;
  DeviceArray<float> x(16), y(16);
  DeviceArray<std::uint8_t> index(16);
  for (const PoolShape& shape : {PoolShape{1, 4, 4, 1, 1, 1, 16, 1, 8}, PoolShape{1, 4, 4, 1, 4, 4, 1, 0, 0},
                                 PoolShape{1, 4, 4, 1, 4, 4, 1, 1, -1}}) {
    CHECK_THROWS_AS(kernels::max_pool_forward(x.data(), y.data(), index.data(), shape, nullptr), Error);
    CHECK_THROWS_AS(kernels::max_pool_backward(y.data(), index.data(), x.data(), shape, nullptr), Error);
  }
}

TEST_CASE_TEMPLATE("average pool: pixels, channels, alignments and types", T, float, bfloat16) {
  if (!device_is_there()) return;
  // One pixel, fewer than a block's 8 rows, ResNet's 4 and 49, one step of four loads and its edges; channels
  // around a vector, a tile of 32, 128 and 256; nothing.
  for (const std::int64_t pixels : {0, 1, 4, 31, 33, 49, 97}) {
    for (const std::int64_t channels : {1, 8, 36, 264}) {
      for (const std::size_t shift : {0, 1}) {
        check_average_pool<T, T>(2, pixels, channels, shift);
        check_average_pool<T, float>(1, pixels, channels, shift);
        check_average_pool<T, bfloat16>(1, pixels, channels, shift);
      }
    }
  }
  check_average_pool<T, T>(0, 4, 8, 0);
  check_average_pool<T, T>(3, 4, 0, 0);
}

TEST_CASE("average pool: large values, infinity and NaN, each in its own channel") {
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
