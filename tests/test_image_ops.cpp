// RandAugment's operations against Pillow and torchvision, to the byte.
#include "data/image_ops.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "data/rand_augment.h"
#include "engine/core/check.h"
#include "tests/support/images.h"

using namespace tern;

namespace {

/// torchvision's names, in the order of ImageOp.
constexpr std::array<const char*, kImageOps> kNames{
    "Identity", "ShearX",   "ShearY",    "TranslateX", "TranslateY", "Rotate",       "Brightness",
    "Color",    "Contrast", "Sharpness", "Posterize",  "Solarize",   "AutoContrast", "Equalize"};

ImageOp op_of(const std::string& name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  REQUIRE(found != kNames.end());
  return static_cast<ImageOp>(found - kNames.begin());
}

/// The pictures of make_image_ops_goldens.py.
Image picture(const std::string& name, int width, int height) {
  if (name == "pattern") return test::pattern(width, height);
  if (name == "smooth") return test::smooth(width, height);
  Image image{width, height, {}};
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const int flat = c == 0 ? 17 : c == 1 ? 130 : 254, few = 60 + (x + y + c) % 3 * 50;
        image.rgb.push_back(static_cast<std::uint8_t>(name == "flat" ? flat : few));
      }
    }
  }
  return image;
}

std::uint64_t fnv1a(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const std::uint8_t byte : bytes) value = (value ^ byte) * 0x100000001B3;
  return value;
}

/// Of an operation on the whole picture named, whose width and height are a block's.
std::vector<std::uint8_t> changed(const std::string& op, const std::string& name, double magnitude,
                                  const test::Block& block) {
  const Image image = picture(name, block.width, block.height);
  std::vector<std::uint8_t> result(image.rgb.size(), 200);
  apply_operation(image.rgb, block.width, block.height, {op_of(op), magnitude}, result);
  return result;
}

}  // namespace

TEST_CASE("image_ops: each of RandAugment's operations equals torchvision's on Pillow's images") {
  int images = 0, hashes = 0;
  for (const auto& named : test::read_blocks("image_ops.blocks")) {
    const test::Block& block = named.second;
    const bool hashed = named.first.starts_with("hash:");
    if (named.first.starts_with("magnitudes:")) continue;
    const std::string name = hashed ? named.first.substr(named.first.find(':', 5) + 1) : named.first;
    char op[32], drawn[32];
    double magnitude = 0;
    REQUIRE(std::sscanf(name.c_str(), "%31[^:]:%31[^:]:%lf", op, drawn, &magnitude) == 3);
    const std::vector<std::uint8_t> got = changed(op, drawn, magnitude, block);
    INFO(named.first);
    if (hashed) {
      std::uint64_t wanted = 0;
      REQUIRE(block.bytes.size() == sizeof wanted);
      std::memcpy(&wanted, block.bytes.data(), sizeof wanted);
      CHECK(fnv1a(got) == wanted);
      ++hashes;
    } else {
      CHECK(test::difference(got, block.pixels()).count == 0);
      ++images;
    }
  }
  CHECK(images == 28);
  CHECK(hashes == 1472);
}

TEST_CASE("image_ops: what changes nothing, and what undoes itself") {
  const Image image = test::pattern(9, 7);
  std::vector<std::uint8_t> to(image.rgb.size()), back(image.rgb.size());
  const auto same = [&] { return to == image.rgb; };
  adjust_brightness(image.rgb, 1, to);
  CHECK(same());
  adjust_color(image.rgb, 1, to);
  CHECK(same());
  adjust_contrast(image.rgb, 1, to);
  CHECK(same());
  adjust_sharpness(image.rgb, 9, 7, 1, to);
  CHECK(same());
  posterize(image.rgb, 8, to);
  CHECK(same());
  shear_x(image.rgb, 9, 7, 0, to);
  CHECK(same());
  solarize(image.rgb, 0, to);
  solarize(to, 0, back);
  CHECK(back == image.rgb);
  adjust_brightness(image.rgb, 0, to);
  CHECK(std::all_of(to.begin(), to.end(), [](int byte) { return byte == 0; }));
  translate(image.rgb, 9, 7, 2, -1, to);  // (2, 0) shows what was at (0, 1)
  CHECK(to[2 * 3] == image.rgb[9 * 3]);
  CHECK(to[0] + to[1] + to[2] == 0);
}

TEST_CASE("image_ops: refuses sizes that disagree") {
  std::vector<std::uint8_t> from(12), to(9), odd(10);
  CHECK_THROWS_AS(adjust_brightness(from, 1, to), Error);
  CHECK_THROWS_AS(adjust_color(odd, 1, odd), Error);
  CHECK_THROWS_AS(adjust_sharpness(from, 2, 1, 1, from), Error);
  CHECK_THROWS_AS(shear_y(from, 2, 2, 0.1, to), Error);
  CHECK_THROWS_AS(posterize(from, 0, from), Error);
  CHECK_THROWS_AS(equalize(from, to), Error);
}
