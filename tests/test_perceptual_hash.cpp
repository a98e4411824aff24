#include "data/perceptual_hash.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "data/random_purpose.h"
#include "data/resize.h"
#include "engine/core/random.h"

namespace tern {
namespace {

using Groups = std::vector<std::vector<std::int64_t>>;

/// Some soft waves, others for each number.
Image picture(std::uint64_t number, int size = 64) {
  RandomStream random(number, random_purpose::test);
  std::vector<float> waves(24);
  for (float& wave : waves) wave = random.normal();
  Image image{size, size, std::vector<std::uint8_t>(static_cast<std::size_t>(size * size * 3))};
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      float sum = 0;
      for (std::size_t k = 0; k < waves.size(); k += 3)
        sum += std::sin((waves[k] * static_cast<float>(x) + waves[k + 1] * static_cast<float>(y)) * 12 /
                            static_cast<float>(size) +
                        3 * waves[k + 2]);
      const auto grey = static_cast<std::uint8_t>(std::clamp(128 + 20 * sum, 0.0f, 255.0f));
      std::fill_n(image.rgb.begin() + (y * size + x) * 3, 3, grey);
    }
  }
  return image;
}

Image brighter(Image image) {
  for (std::uint8_t& byte : image.rgb) byte = static_cast<std::uint8_t>(std::min(255, byte + 10));
  return image;
}

TEST_CASE("perceptual hash: a bit for each pixel that is brighter than its left neighbour") {
  Image ramp{17, 16, std::vector<std::uint8_t>(17 * 16 * 3)};
  for (int i = 0; i < 17 * 16; ++i) {
    const int column = i % 17, row = i / 17;
    const int level = row == 5 ? 200 - 10 * column : 10 * column;
    std::fill_n(ramp.rgb.begin() + i * 3, 3, static_cast<std::uint8_t>(level));
  }
  const PerceptualHash hash = perceptual_hash(ramp);
  CHECK(hash[0] == ~std::uint64_t{0});
  CHECK(hash[1] == ~(std::uint64_t{0xffff} << 16));  // row 5 falls
  CHECK(hash[2] == ~std::uint64_t{0});
  CHECK(distance(hash, PerceptualHash{}) == 240);
  CHECK(distance(hash, hash) == 0);
}

TEST_CASE("perceptual hash: changed pictures are near, others far") {
  for (std::uint64_t number = 1; number <= 8; ++number) {
    const Image image = picture(number);
    const PerceptualHash hash = perceptual_hash(image);
    const std::vector<std::byte> jpeg = encode_jpeg(image, 50);
    CHECK(distance(hash, perceptual_hash(decode_image(jpeg, "jpeg"))) <= kNearDuplicate);
    CHECK(distance(hash, perceptual_hash(resize(image, 40, 48))) <= kNearDuplicate);
    CHECK(distance(hash, perceptual_hash(brighter(image))) <= kNearDuplicate);
    CHECK(distance(hash, perceptual_hash(picture(number + 100))) > 2 * kNearDuplicate);
  }
}

Image mirrored(const Image& image) {
  Image result = image;
  for (int y = 0; y < image.height; ++y) {
    for (int x = 0; x < image.width; ++x) {
      const auto from = image.rgb.begin() + (y * image.width + x) * 3;
      std::copy_n(from, 3, result.rgb.begin() + (y * image.width + image.width - 1 - x) * 3);
    }
  }
  return result;
}

TEST_CASE("near_duplicates: pictures of which one is the other flipped") {
  std::vector<PerceptualHash> hashes, flipped;
  const auto add = [&](const Image& image) {
    const PerceptualHashes both = perceptual_hashes(image);
    CHECK(both.as_is == perceptual_hash(image));
    CHECK(distance(both.mirrored, perceptual_hash(mirrored(image))) <= kNearDuplicate / 3);
    hashes.push_back(both.as_is);
    flipped.push_back(both.mirrored);
  };
  for (std::uint64_t number = 1; number <= 5; ++number) add(picture(number));
  add(mirrored(brighter(picture(3))));                            // 5
  add(resize(mirrored(picture(1)), 40, 48));                      // 6
  add(picture(1));                                                // 7
  add(Image{64, 64, std::vector<std::uint8_t>(64 * 64 * 3, 9)});  // 8: its own mirror image
  CHECK(near_duplicates(hashes) == Groups{{0, 7}});
  CHECK(near_duplicates(hashes, flipped) == Groups{{0, 6, 7}, {2, 5}});
}

TEST_CASE("near_duplicates: groups are closed over neighbours, by their first") {
  std::vector<PerceptualHash> hashes(6);
  for (std::size_t i = 0; i < hashes.size(); ++i) hashes[i] = perceptual_hash(picture(i + 1));
  CHECK(near_duplicates(hashes).empty());
  CHECK(near_duplicates({}).empty());
  const auto flipped = [](PerceptualHash hash, int from, int count) {
    for (int bit = from; bit < from + count; ++bit)
      hash[static_cast<std::size_t>(bit / 64)] ^= 1ull << bit % 64;
    return hash;
  };
  hashes.push_back(flipped(hashes[3], 0, 15));    // 6
  hashes.push_back(flipped(hashes[6], 100, 15));  // 7: 30 from 3
  hashes.push_back(hashes[1]);                    // 8
  hashes.push_back(flipped(hashes[0], 40, 16));   // 9: too far
  // A bit in each row but one: found by the row that is left.
  PerceptualHash spread = hashes[5];
  for (int row = 0; row < 15; ++row) spread = flipped(spread, row * 16 + row, 1);
  hashes.push_back(spread);  // 10
  CHECK(near_duplicates(hashes) == Groups{{1, 8}, {3, 6, 7}, {5, 10}});
  CHECK(near_duplicates(hashes, {}, 0) == Groups{{1, 8}});
}

}  // namespace
}  // namespace tern
