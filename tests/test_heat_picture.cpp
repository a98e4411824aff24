// A heat map drawn over its image.
#include "apps/page/heat_picture.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace tern;

namespace {

Image plain(int side, std::uint8_t grey) {
  return {side, side, std::vector<std::uint8_t>(static_cast<std::size_t>(side * side * 3), grey)};
}

/// How bright a pixel is.
int light(const Image& image, int x, int y) {
  const std::uint8_t* rgb = image.rgb.data() + 3 * (y * image.width + x);
  return rgb[0] + rgb[1] + rgb[2];
}

}  // namespace

TEST_CASE("heat_picture: brightest over the largest value, rising evenly between the middles of places") {
  const std::vector<float> heat{0, 0, 0, 8};
  const Image picture = heat_picture(plain(40, 100), heat, 2, 2);
  CHECK(picture.width == 40);
  CHECK(picture.rgb.size() == 40 * 40 * 3);
  for (int i = 1; i < 40; ++i) {
    CHECK(light(picture, i, i) >= light(picture, i - 1, i - 1));
    CHECK(light(picture, i, 39 - i) == light(picture, 39 - i, i));  // the map is symmetric
  }
  CHECK(light(picture, 39, 39) > light(picture, 0, 0) + 300);
  for (int i = 0; i < 10; ++i)
    CHECK(light(picture, i, i) == light(picture, 0, 0));  // within the first middle
  for (int i = 31; i < 40; ++i) CHECK(light(picture, i, i) == light(picture, 39, 39));  // beyond the last
}

TEST_CASE("heat_picture: smooth, without creases at the middles of places") {
  const Image picture = heat_picture(plain(160, 0), std::vector<float>{0, 0, 8, 0}, 1, 4);
  CHECK(light(picture, 99, 0) == light(picture, 100, 0));  // on both sides of the third place's middle
  // Linear in between, it would fall by 30.
  CHECK(light(picture, 99, 0) - light(picture, 96, 0) < 12);
  CHECK(light(picture, 100, 0) - light(picture, 103, 0) < 12);
  CHECK(light(picture, 100, 0) - light(picture, 120, 0) > 100);
}

TEST_CASE("heat_picture: the scale is the map's own, and the image shows through") {
  const std::vector<float> heat{1, 0, 2, 4}, larger{100, 0, 200, 400};
  CHECK(heat_picture(plain(16, 50), heat, 2, 2).rgb == heat_picture(plain(16, 50), larger, 2, 2).rgb);
  Image image = plain(16, 50);
  std::fill_n(image.rgb.begin(), 16 * 8 * 3, std::uint8_t{200});
  const Image picture = heat_picture(image, std::vector<float>{1, 1, 1, 1}, 2, 2);
  CHECK(light(picture, 3, 3) > light(picture, 3, 12) + 100);
}

TEST_CASE("heat_picture: maps of nothing and of one place") {
  const Image none = heat_picture(plain(8, 0), std::vector<float>{0, 0, 0, 0}, 2, 2);
  CHECK(*std::max_element(none.rgb.begin(), none.rgb.end()) <= 3);
  const Image one = heat_picture(plain(8, 0), std::vector<float>{5}, 1, 1);
  CHECK(light(one, 0, 0) == light(one, 7, 7));
  CHECK(light(one, 0, 0) > 300);
}
