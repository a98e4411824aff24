// Parts of images against torchvision's: how they are drawn, and how they become whole images.
#include "data/random_resized_crop.h"

#include <doctest/doctest.h>

#include "data/random_purpose.h"
#include "data/resize.h"
#include "engine/core/check.h"
#include "tests/support/images.h"
#include "tests/support/random_boxes.h"

using namespace tern;

TEST_CASE("random_resized_crop: boxes have torchvision's distribution and lie inside") {
  struct Case {
    const char* name;
    RandomResizedCrop crop;
  };
  for (const Case& each :
       {Case{"crop_default", {}}, Case{"crop_mild", {0.5f, 1}}, Case{"crop_small_image", {}}}) {
    test::check_boxes(each.name, [&](int size, RandomStream& random) {
      const CropBox box = draw_crop(each.crop, size, random);
      REQUIRE(box.height >= 1);
      REQUIRE(box.width >= 1);
      REQUIRE(box.top + box.height <= size);
      REQUIRE(box.left + box.width <= size);
      return std::array{box.height, box.width, box.top, box.left};
    });
  }
}

TEST_CASE("random_resized_crop: ratios and areas stay in their ranges, to a pixel's rounding") {
  RandomStream random(3, random_purpose::test);
  for (int i = 0; i < 5000; ++i) {
    const CropBox box = draw_crop({0.25f, 0.5f}, 1000, random);
    REQUIRE(box.width < 1.34 * box.height);
    REQUIRE(box.height < 1.34 * box.width);
    REQUIRE(box.width * box.height > 0.249e6);
    REQUIRE(box.width * box.height < 0.501e6);
  }
  const CropBox whole = draw_crop({1, 1}, 1, random);
  CHECK(whole.height == 1);
  CHECK(whole.width == 1);
}

TEST_CASE("random_resized_crop: the part is cut out and resized as by Pillow") {
  const Image image = test::pattern(12, 12);
  std::vector<std::uint8_t> got(image.rgb.size());
  const CropBox box{2, 1, 5, 8};
  Image part{8, 5, {}};
  for (int y = 2; y < 7; ++y) {
    const auto row = image.rgb.begin() + (y * 12 + 1) * 3;
    part.rgb.insert(part.rgb.end(), row, row + 8 * 3);
  }
  resize_crop(image.rgb, 12, box, got);
  CHECK(got == resize(part, 12, 12).rgb);
  resize_crop(image.rgb, 12, {0, 0, 12, 12}, got);
  CHECK(got == image.rgb);
  for (const CropBox& outside : {CropBox{-1, 0, 2, 2}, CropBox{0, 11, 2, 2}, CropBox{0, 0, 0, 3}}) {
    CHECK_THROWS_AS(resize_crop(image.rgb, 12, outside, got), Error);
  }
}
