// Flip and rotation against torchvision, to the byte.
#include "data/rotate.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstring>
#include <limits>

#include "tests/support/images.h"

using namespace tern;

namespace {

std::uint64_t fnv1a(std::span<const std::uint8_t> bytes) {
  std::uint64_t value = 0xCBF29CE484222325;
  for (const std::uint8_t byte : bytes) value = (value ^ byte) * 0x100000001B3;
  return value;
}

}  // namespace

TEST_CASE("rotate: equals torchvision, mirrored and not, at many angles") {
  int images = 0, hashes = 0;
  for (const auto& named : test::read_blocks("rotate.blocks")) {
    const auto& name = named.first;
    const auto& block = named.second;
    char kind[8];
    int width = 0, height = 0, flip = 0;
    double degrees = 0;
    REQUIRE(std::sscanf(name.c_str(), "%4[a-z]:%d:%d:%lf:%d", kind, &width, &height, &degrees, &flip) == 5);
    const Image image = test::pattern(width, height);
    std::vector<std::uint8_t> turned(image.rgb.size(), 200);
    flip_and_rotate(image.rgb, width, height, flip != 0, degrees, turned);
    INFO(name);
    if (std::strcmp(kind, "turn") == 0) {
      const test::Difference apart = test::difference(turned, block.pixels());
      CHECK(apart.count == 0);
      ++images;
    } else {
      std::uint64_t wanted = 0;
      REQUIRE(block.bytes.size() == sizeof wanted);
      std::memcpy(&wanted, block.bytes.data(), sizeof wanted);
      CHECK(fnv1a(turned) == wanted);
      ++hashes;
    }
  }
  CHECK(images == 66);
  CHECK(hashes == 101);
}

TEST_CASE("rotate: properties") {
  const Image image = test::pattern(12, 12);
  CHECK(rotate(image, 0).rgb == image.rgb);
  CHECK(flip_horizontal(flip_horizontal(image)).rgb == image.rgb);
  CHECK(flip_horizontal(image).rgb != image.rgb);
  CHECK(rotate(rotate(image, 90), -90).rgb == image.rgb);
  CHECK(rotate(rotate(image, 180), 180).rgb == image.rgb);
  // Counter-clockwise: the top right corner comes to the top left.
  CHECK(rotate(image, 90).rgb[0] == image.rgb[11 * 3]);
  // Turned by 45 degrees, the corners are black.
  CHECK(rotate(image, 45).rgb[0] == 0);
}

TEST_CASE("rotate: refuses what it cannot do") {
  Image image = test::pattern(4, 3);
  CHECK_THROWS_AS(rotate(image, std::numeric_limits<double>::infinity()), Error);
  CHECK_THROWS_AS(rotate(image, std::numeric_limits<double>::quiet_NaN()), Error);
  image.rgb.pop_back();
  CHECK_THROWS_AS(rotate(image, 1), Error);
}
