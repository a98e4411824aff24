// What --views shows of each image.
#include "apps/measure/views.h"

#include <doctest/doctest.h>

#include <set>
#include <utility>

#include "engine/core/check.h"
#include "tests/support/files.h"

using namespace tern;

TEST_CASE("views: none and flip") {
  REQUIRE(parse_views("").size() == 1);
  const Augmentation plain = parse_views("").front().at(64);
  CHECK_FALSE(plain.flip);
  CHECK_FALSE(plain.crop);
  const std::vector<View> flip = parse_views("flip");
  REQUIRE(flip.size() == 2);
  CHECK_FALSE(flip[0].at(64).flip);
  CHECK(flip[1].at(64).flip);
  CHECK_FALSE(flip[1].at(64).crop);
}

TEST_CASE("views: crops are the four corners, to the very edge, for any size") {
  for (const int size : {32, 64, 97}) {
    CAPTURE(size);
    const std::vector<View> crops = parse_views("crops");
    REQUIRE(crops.size() == 5);
    CHECK_FALSE(crops[0].at(size).crop);
    std::set<std::pair<int, int>> corners;
    for (std::size_t i = 1; i < crops.size(); ++i) {
      const Augmentation shown = crops[i].at(size);
      CHECK_FALSE(shown.flip);
      REQUIRE(shown.crop);
      CHECK(shown.crop->width == shown.crop->height);
      CHECK(shown.crop->width == doctest::Approx(size * 7.0 / 8).epsilon(0.01));
      for (const int begin : {shown.crop->top, shown.crop->left})
        CHECK((begin == 0 || begin + shown.crop->width == size));
      corners.insert({shown.crop->top, shown.crop->left});
    }
    CHECK(corners.size() == 4);
  }
}

TEST_CASE("views: flip+crops mirrors all of them; others are refused with the list") {
  const std::vector<View> all = parse_views("flip+crops");
  REQUIRE(all.size() == 10);
  for (std::size_t i = 0; i < 5; ++i) {
    const Augmentation plain = all[i].at(64), mirrored = all[i + 5].at(64);
    CHECK_FALSE(plain.flip);
    CHECK(mirrored.flip);
    CHECK(plain.crop.has_value() == mirrored.crop.has_value());
    if (plain.crop) CHECK(plain.crop->left == mirrored.crop->left);
  }
  CHECK(test::error_of([] { parse_views("crop"); }) ==
        "--views: wanted one of flip, crops, flip+crops, got crop");
}
