// A batch from images on a device: the op against the host's augmentation, bit by bit, then the kernel
// against a reference in double precision at every size, alignment and type.
#include "engine/ops/augment.h"

#include <doctest/doctest.h>

#include <memory>
#include <span>

#include "data/augment.h"
#include "data/random_purpose.h"
#include "data/resize.h"
#include "data/rotate.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "kernels/augment.h"
#include "tests/support/kernel_values.h"
#include "tests/support/tensors.h"

using namespace tern;
using namespace tern::test;
using kernels::AugmentImage;
using kernels::InverseRotation;

namespace {

Image random_image(int size, std::uint64_t seed) {
  RandomStream random(seed, random_purpose::test);
  Image image{size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * 3))};
  // Some flat areas and full contrast, too: rounding and the ends of the range.
  for (auto& byte : image.rgb) {
    const std::uint32_t drawn = random.below(256);
    byte = static_cast<std::uint8_t>(seed % 3 == 0   ? drawn / 128 * 255
                                     : seed % 3 == 1 ? drawn
                                                     : 250 + drawn % 6);
  }
  return image;
}

/// What normalise() gives for every byte, channel-major.
std::vector<float> normalisation_table() {
  std::vector<std::uint8_t> bytes;
  for (int byte = 0; byte < 256; ++byte) bytes.insert(bytes.end(), 3, static_cast<std::uint8_t>(byte));
  std::vector<float> values(bytes.size()), table(bytes.size());
  normalise(bytes, values);
  for (std::size_t i = 0; i < values.size(); ++i) table[i % 3 * 256 + i / 3] = values[i];
  return table;
}

/// Flips and angles: right ones, all sides of them, those of the study, and many drawn ones.
std::vector<Augmentation> augmentations() {
  std::vector<float> angles{0, 1e-6f, 0.05f, 3, 30, 45, 60, 89.999f, 120, 135, 359.99f, 720, -1234.5f};
  for (const float right : {90.0f, 180.0f, 270.0f, 360.0f}) {
    for (const float beside : {-0.01f, 0.0f, 0.01f}) angles.push_back(right + beside);
  }
  RandomStream random(3, random_purpose::test);
  for (int i = 0; i < 40; ++i) angles.push_back(random.uniform(-180, 180));
  for (int i = 0; i < 40; ++i) angles.push_back(random.uniform(-10, 10));
  std::vector<Augmentation> result;
  for (const float angle : angles) {
    for (const float degrees : {angle, -angle}) {
      for (const bool flip : {false, true}) result.push_back({.flip = flip, .degrees = degrees});
    }
  }
  return result;
}

/// The images of one size, on a device.
Tensor resident(const std::vector<Image>& images, Device device) {
  std::vector<std::uint8_t> bytes;
  for (const Image& image : images) bytes.insert(bytes.end(), image.rgb.begin(), image.rgb.end());
  const std::int64_t size = images[0].width;
  return Tensor::from({static_cast<std::int64_t>(images.size()), size, size, 3}, bytes).to(device);
}

/// The images that differ from `wanted`, of one batch in both types.
int count_differences(std::span<const ResidentImage> images, const std::vector<std::vector<float>>& wanted,
                      int size, Device device) {
  const auto count = static_cast<std::int64_t>(images.size());
  const Tensor table = Tensor::from({3, 256}, normalisation_table()).to(device);
  Tensor y = Tensor::empty({count, size, size, 3}, DType::f32, device);
  Tensor narrow = Tensor::empty(y.shape(), DType::bf16, device);
  augment(images, table, y);
  augment(images, table, narrow);
  int differences = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::vector<float>& values = wanted[static_cast<std::size_t>(i)];
    const std::vector<bfloat16> rounded(values.begin(), values.end());
    const bool same = same_bits(y.rows(i, i + 1).to_vector<float>(), values) &&
                      same_bits(narrow.rows(i, i + 1).to_vector<bfloat16>(), rounded);
    differences += same ? 0 : 1;
  }
  return differences;
}

/// The same of one batch of every augmentation, against the host's.
int count_differences(int source_size, int size, Device device) {
  const std::vector<Augmentation> all = augmentations();
  std::vector<Image> sources;
  for (std::size_t i = 0; i < all.size(); ++i) sources.push_back(random_image(source_size, i));
  const Tensor pixels = resident(sources, device);
  std::vector<ResidentImage> images;
  std::vector<std::vector<float>> wanted(all.size(),
                                         std::vector<float>(static_cast<std::size_t>(size * size * 3)));
  Augmenter augmenter(size);
  for (std::size_t i = 0; i < all.size(); ++i) {
    images.push_back({&pixels, static_cast<std::int64_t>(i), all[i].flip,
                      inverse_rotation(double{all[i].degrees}, size, size)});
    const Image image = source_size == size ? sources[i] : resize(sources[i], size, size);
    augmenter.run(image.rgb, all[i], wanted[i]);
  }
  return count_differences(images, wanted, size, device);
}

/// Each of 256 x 256 pairs of bytes side by side once, in 128 images of 32 x 32.
std::vector<Image> images_of_pairs() {
  std::vector<Image> images;
  for (int image = 0; image < 128; ++image) {
    Image pairs{32, 32, std::vector<std::uint8_t>(32 * 32 * 3)};
    for (int i = 0; i < 32 * 32; ++i) {
      const int row = i / 32, column = i % 32, pair = (image * 32 + row) * 16 + column / 2;
      const int byte = column % 2 == 0 ? pair / 256 : pair % 256;
      for (int channel = 0; channel < 3; ++channel) {
        pairs.rgb[static_cast<std::size_t>(i * 3 + channel)] =
            static_cast<std::uint8_t>((byte * (channel + 1) + 85 * channel) % 256);
      }
    }
    images.push_back(pairs);
  }
  return images;
}

}  // namespace

TEST_CASE("augment: flips and turns equal the CPU's to the bit") {
  for (const Device device : devices()) {
    if (device.is_cpu()) continue;
    for (const int size : {1, 2, 7, 16, 33, 64}) {
      CAPTURE(size);
      CHECK(count_differences(size, size, device) == 0);
    }
  }
}

TEST_CASE("augment: enlarged images equal the CPU's to the bit") {
  for (const Device device : devices()) {
    if (device.is_cpu()) continue;
    for (const int size : {1, 2, 5, 16, 32}) {
      CAPTURE(size);
      CHECK(count_differences(size, 2 * size, device) == 0);
    }
  }
}

TEST_CASE("augment: the enlargement of every pair of bytes equals Pillow's weights") {
  const std::vector<Image> pairs = images_of_pairs();
  std::vector<std::vector<float>> wanted(pairs.size(), std::vector<float>(64 * 64 * 3));
  for (std::size_t i = 0; i < pairs.size(); ++i) normalise(resize(pairs[i], 64, 64).rgb, wanted[i]);
  for (const Device device : devices()) {
    if (device.is_cpu()) continue;
    const Tensor pixels = resident(pairs, device);
    std::vector<ResidentImage> images;
    for (std::size_t i = 0; i < pairs.size(); ++i)
      images.push_back({&pixels, static_cast<std::int64_t>(i), false, {}});
    CHECK(count_differences(images, wanted, 64, device) == 0);
  }
}

TEST_CASE("augment: not on the CPU, where the loader makes the batches") {
  const Tensor pixels = Tensor::zeros({1, 2, 2, 3}, DType::u8), table = Tensor::zeros({3, 256});
  Tensor y = Tensor::zeros({1, 2, 2, 3});
  const ResidentImage image{&pixels, 0, false, {}};
  CHECK_THROWS_WITH_AS(augment({&image, 1}, table, y),
                       doctest::Contains("augment: wanted a device that keeps images"), Error);
  CHECK_NOTHROW(augment({}, table, y));
}

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

struct Item {
  std::vector<std::uint8_t> pixels;
  InverseRotation rotation;
  bool flip;
};

template <typename T>
void check_kernel(int source_size, int size, std::size_t shift) {
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

  std::vector<std::unique_ptr<DeviceArray<std::uint8_t>>> pixels;
  std::vector<AugmentImage> images;
  std::vector<double> wanted;
  for (const Item& item : items) {
    pixels.push_back(std::make_unique<DeviceArray<std::uint8_t>>(item.pixels, images.size() % 3));
    images.push_back({pixels.back()->data(), item.rotation, item.flip});
    const auto& [xx, xy, x0, yx, yy, y0] = item.rotation;
    const reference::Array one = reference::augment(item.pixels, source_size, size, item.flip,
                                                    {xx, xy, x0, yx, yy, y0}, array({3, 256}, table));
    wanted.insert(wanted.end(), one.values.begin(), one.values.end());
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
  CHECK(same_bits(y, again));
}

}  // namespace

TEST_CASE_TEMPLATE("augment kernel: flips, turns, sizes and alignments", T, float, bfloat16) {
  if (!device_is_there()) return;
  // One pixel, odd sizes (no vectors), vectors that begin in each channel, more than one chunk (64).
  for (const int size : {1, 2, 5, 8, 12, 15, 64}) {
    check_kernel<T>(size, size, 0);
    if (size < 20) check_kernel<T>(size, size, 1);
  }
}

TEST_CASE_TEMPLATE("augment kernel: the twofold enlargement before flip and turn", T, float, bfloat16) {
  if (!device_is_there()) return;
  for (const int size : {1, 2, 3, 4, 7, 32}) check_kernel<T>(size, 2 * size, 0);
  check_kernel<T>(5, 10, 1);
}

TEST_CASE("augment kernel: no images, and sizes it does not know") {
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
