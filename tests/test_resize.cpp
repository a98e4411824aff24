// resize, resize_shortest and center_crop against Pillow and torchvision.
#include "data/resize.h"

#include <doctest/doctest.h>

#include <cstdio>

#include "tests/support/images.h"

using namespace tern;

TEST_CASE("resize: equals Pillow's bilinear, growing and shrinking") {
  int compared = 0;
  for (const auto& named : test::read_blocks("resize.blocks")) {
    const auto& name = named.first;
    const auto& block = named.second;
    int width = 0, height = 0;
    if (std::sscanf(name.c_str(), "resize:%d:%d", &width, &height) != 2) continue;
    const Image result = resize(test::pattern(width, height), block.width, block.height);
    INFO(name, " -> ", block.width, " x ", block.height);
    CHECK(result.width == block.width);
    CHECK(result.height == block.height);
    const test::Difference apart = test::difference(result.rgb, block.pixels());
    CHECK(apart.largest == 0);
    ++compared;
  }
  CHECK(compared >= 10);
}

TEST_CASE("resize: the shorter side and the centre, as torchvision") {
  int compared = 0;
  for (const auto& named : test::read_blocks("resize.blocks")) {
    const auto& name = named.first;
    const auto& block = named.second;
    int width = 0, height = 0, size = 0;
    Image result;
    if (std::sscanf(name.c_str(), "shortest:%d:%d:%d", &width, &height, &size) == 3) {
      result = resize_shortest(test::pattern(width, height), size);
    } else if (std::sscanf(name.c_str(), "crop:%d:%d:%d", &width, &height, &size) == 3) {
      result = center_crop(test::pattern(width, height), size);
    } else {
      continue;
    }
    INFO(name);
    CHECK(result.width == block.width);
    CHECK(result.height == block.height);
    CHECK(test::difference(result.rgb, block.pixels()).largest == 0);
    ++compared;
  }
  CHECK(compared >= 11);
}

TEST_CASE("resize: properties") {
  const Image image = test::pattern(19, 23);
  CHECK(resize(image, 19, 23).rgb == image.rgb);
  Image flat{9, 5, std::vector<std::uint8_t>(9 * 5 * 3, 77)};
  for (const std::uint8_t value : resize(flat, 31, 2).rgb) CHECK(value == 77);

  // A Resizer used twice gives the same as two of them.
  Resizer resizer(19, 23, 7, 30);
  std::vector<std::uint8_t> first(7 * 30 * 3), second(7 * 30 * 3, 1);
  resizer(image.rgb, first);
  resizer(image.rgb, second);
  CHECK(first == second);
}

TEST_CASE("resize: refuses sizes that make no sense") {
  const Image image = test::pattern(4, 3);
  CHECK_THROWS_AS(resize(image, 0, 3), Error);
  CHECK_THROWS_AS(resize(image, 3, -1), Error);
  CHECK_THROWS_AS(resize(image, 1 << 17, 1), Error);
  CHECK_THROWS_WITH_AS(resize(image, 60000, 60000), doctest::Contains("64 megapixels"), Error);
  CHECK_THROWS_AS(resize_shortest(test::pattern(1, 1000), 256), Error);
  CHECK_THROWS_AS(resize_shortest(image, 0), Error);
  CHECK_THROWS_AS(center_crop(image, 0), Error);
  CHECK_THROWS_AS(center_crop(image, 1 << 20), Error);
  Image torn = image;
  torn.rgb.pop_back();
  CHECK_THROWS_AS(resize(torn, 2, 2), Error);
  CHECK_THROWS_AS(center_crop(torn, 2), Error);
}
