// The kernel alone, against a reference in double precision; tests/test_augment_kernel.cpp compares it with
// the CPU's augmentation, bit for bit.
#include "kernels/augment.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "tests/support/kernel_values.h"

using namespace tern;
using namespace tern::test;
using kernels::AugmentImage;
using kernels::InverseRotation;

namespace {

std::vector<std::uint8_t> random_bytes(int size, std::uint64_t seed) {
  RandomStream random(seed, random_purpose::test);
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size * size * 3));
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  return bytes;
}

/// Rotation about the centre as a map of 16.16 fixed point, near enough to test with.
InverseRotation turn(double degrees, int size) {
  const double radians = -degrees * 3.14159265358979 / 180, cosine = std::cos(radians),
               sine = std::sin(radians);
  const double centre = size / 2.0;
  const auto fixed = [](double value) { return static_cast<std::int64_t>(std::floor(value * 65536 + 0.5)); };
  return {fixed(cosine), fixed(sine),   fixed(centre - cosine * (centre - 0.5) - sine * (centre - 0.5)),
          fixed(-sine),  fixed(cosine), fixed(centre + sine * (centre - 0.5) - cosine * (centre - 0.5))};
}

/// One axis of a twofold enlargement: pixel i is 3/4 of the source pixel it lies in and 1/4 of the next one.
double enlarged(double own, double next) {
  return std::floor(0.75 * own + 0.25 * next + 0.5);
}

/// The byte at (x, y) of the image as large as y, before flip and rotation.
double pixel(const std::vector<std::uint8_t>& from, int source_size, int size, int x, int y, int channel) {
  const auto at = [&](int column, int row) {
    column = std::min(std::max(column, 0), source_size - 1);
    row = std::min(std::max(row, 0), source_size - 1);
    return static_cast<double>(from[static_cast<std::size_t>((row * source_size + column) * 3 + channel)]);
  };
  if (source_size == size) return at(x, y);
  const int column = x / 2, row = y / 2, dx = x % 2 == 0 ? -1 : 1, dy = y % 2 == 0 ? -1 : 1;
  return enlarged(enlarged(at(column, row), at(column + dx, row)),
                  enlarged(at(column, row + dy), at(column + dx, row + dy)));
}

struct Item {
  std::vector<std::uint8_t> pixels;
  InverseRotation rotation;
  bool flip;
};

std::vector<double> augmented(const Item& item, const std::vector<float>& table, int source_size, int size) {
  std::vector<double> result;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      const InverseRotation& r = item.rotation;
      const double from_x = std::floor(static_cast<double>(r.xx * x + r.xy * y + r.x0) / 65536);
      const double from_y = std::floor(static_cast<double>(r.yx * x + r.yy * y + r.y0) / 65536);
      const bool inside = from_x >= 0 && from_x < size && from_y >= 0 && from_y < size;
      for (int channel = 0; channel < 3; ++channel) {
        const int column = static_cast<int>(item.flip ? size - 1 - from_x : from_x);
        const double byte =
            inside ? pixel(item.pixels, source_size, size, column, static_cast<int>(from_y), channel) : 0;
        result.push_back(
            static_cast<double>(table[static_cast<std::size_t>(channel * 256 + static_cast<int>(byte))]));
      }
    }
  }
  return result;
}

template <typename T>
void check(int source_size, int size, std::size_t shift) {
  CAPTURE(source_size);
  CAPTURE(size);
  CAPTURE(shift);
  const std::vector<float> table = uniform<float>(768, -2, 2, 9);
  std::vector<Item> items;
  for (const double degrees : {0.0, 90.0, -7.3, 45.0, 180.0}) {
    for (const bool flip : {false, true}) {
      items.push_back({random_bytes(source_size, items.size() + 1), turn(degrees, size), flip});
    }
  }
  items.push_back({random_bytes(source_size, 99), {}, false});  // as it is

  std::vector<std::unique_ptr<DeviceArray<std::uint8_t>>> resident;
  std::vector<AugmentImage> images;
  std::vector<double> wanted;
  for (const Item& item : items) {
    resident.push_back(std::make_unique<DeviceArray<std::uint8_t>>(item.pixels, images.size() % 3));
    images.push_back({resident.back()->data(), item.rotation, item.flip});
    const std::vector<double> values = augmented(item, table, source_size, size);
    wanted.insert(wanted.end(), values.begin(), values.end());
  }
  const DeviceArray<AugmentImage> on_device(images);
  const DeviceArray<float> table_on_device(table);
  DeviceArray<T> y(wanted.size(), shift), again(wanted.size(), shift);
  const auto count = static_cast<std::int64_t>(images.size());
  const std::int64_t launches = launch_count();
  kernels::augment(on_device.data(), table_on_device.data(), y.data(), count, source_size, size, nullptr);
  if (is_emulated()) CHECK(launch_count() - launches == 1);
  CHECK_ARRAY(y, wanted, sizeof(T) == 4 ? 0 : unit<T>());
  kernels::augment(on_device.data(), table_on_device.data(), again.data(), count, source_size, size, nullptr);
  CHECK(std::memcmp(y.values().data(), again.values().data(), wanted.size() * sizeof(T)) == 0);
}

}  // namespace

TEST_CASE_TEMPLATE("augment: flips, turns, sizes and alignments", T, float, bfloat16) {
  if (!device_is_there()) return;
  // One pixel, odd sizes (no vectors), vectors that begin in each channel, more than one chunk (64).
  for (const int size : {1, 2, 5, 8, 12, 15, 64}) {
    check<T>(size, size, 0);
    if (size < 20) check<T>(size, size, 1);
  }
}

TEST_CASE_TEMPLATE("augment: the twofold enlargement before flip and turn", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const int size : {1, 2, 3, 4, 7, 32}) check<T>(size, 2 * size, 0);
  check<T>(5, 10, 1);
}

TEST_CASE("augment: no images, and sizes it does not know") {
  if (!device_is_there()) return;
  DeviceArray<float> y(1);
  const std::int64_t launches = launch_count();
  kernels::augment<float>(nullptr, nullptr, y.data(), 0, 8, 8, nullptr);
  CHECK(launch_count() == launches);
  CHECK(std::isnan(y.values()[0]));
  for (const auto& [from, to] : {std::pair{0, 0}, {8, 4}, {8, 17}, {8, 24}, {4097, 4097}, {-4, -8}}) {
    CHECK_THROWS_AS(kernels::augment<float>(nullptr, nullptr, y.data(), 1, from, to, nullptr), Error);
  }
}
