// kernels/augment.cu, on the emulator, against the augmentation of data/: equal to the bit.
#include <doctest/doctest.h>

#include <cstring>

#include "data/augment.h"
#include "data/random_purpose.h"
#include "data/resize.h"
#include "data/rotate.h"
#include "engine/core/random.h"
#include "kernels/augment.h"

using namespace tern;

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

/// The images that differ, of one batch of every augmentation.
int count_differences(int source_size, int size) {
  const std::vector<Augmentation> all = augmentations();
  const std::vector<float> table = normalisation_table();
  const auto count = static_cast<std::size_t>(size * size * 3);
  std::vector<Image> sources;
  std::vector<kernels::AugmentImage> images;
  for (std::size_t i = 0; i < all.size(); ++i) sources.push_back(random_image(source_size, i));
  for (std::size_t i = 0; i < all.size(); ++i) {
    images.push_back(
        {sources[i].rgb.data(), inverse_rotation(double{all[i].degrees}, size, size), all[i].flip});
  }
  std::vector<float> got(count * all.size());
  std::vector<bfloat16> narrow(got.size());
  const auto images_in_all = static_cast<std::int64_t>(all.size());
  kernels::augment(images.data(), table.data(), got.data(), images_in_all, source_size, size, nullptr);
  kernels::augment(images.data(), table.data(), narrow.data(), images_in_all, source_size, size, nullptr);

  Augmenter augmenter(size);
  std::vector<float> wanted(count);
  int differences = 0;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Image image = source_size == size ? sources[i] : resize(sources[i], size, size);
    augmenter.run(image.rgb, all[i], wanted);
    bool same = std::memcmp(wanted.data(), got.data() + i * count, count * sizeof(float)) == 0;
    for (std::size_t k = 0; k < count; ++k) same &= narrow[i * count + k].bits == bfloat16(wanted[k]).bits;
    differences += same ? 0 : 1;
  }
  return differences;
}

}  // namespace

TEST_CASE("augment kernel: flips and turns equal the CPU's to the bit") {
  for (const int size : {1, 2, 7, 16, 33, 64}) {
    CAPTURE(size);
    CHECK(count_differences(size, size) == 0);
  }
}

TEST_CASE("augment kernel: enlarged images equal the CPU's to the bit") {
  for (const int size : {1, 2, 5, 16, 32}) {
    CAPTURE(size);
    CHECK(count_differences(size, 2 * size) == 0);
  }
}

TEST_CASE("augment kernel: the enlargement of every pair of bytes equals Pillow's weights") {
  // Each of 256 x 256 pairs side by side once, in 128 images of 32 x 32.
  const std::vector<float> table = normalisation_table();
  int differences = 0;
  for (int image = 0; image < 128; ++image) {
    Image pairs{32, 32, std::vector<std::uint8_t>(32 * 32 * 3)};
    for (int row = 0; row < 32; ++row) {
      for (int column = 0; column < 32; ++column) {
        const int pair = (image * 32 + row) * 16 + column / 2;
        const int byte = column % 2 == 0 ? pair / 256 : pair % 256;
        for (int channel = 0; channel < 3; ++channel) {
          pairs.rgb[static_cast<std::size_t>((row * 32 + column) * 3 + channel)] =
              static_cast<std::uint8_t>((byte * (channel + 1) + 85 * channel) % 256);
        }
      }
    }
    const kernels::AugmentImage plain{pairs.rgb.data(), {}, false};
    std::vector<float> got(64 * 64 * 3), wanted(got.size());
    kernels::augment(&plain, table.data(), got.data(), 1, 32, 64, nullptr);
    normalise(resize(pairs, 64, 64).rgb, wanted);
    differences += got == wanted ? 0 : 1;
  }
  CHECK(differences == 0);
}
