#include "data/outliers.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "engine/core/check.h"

using namespace tern;
using doctest::Contains;

namespace {

/// Images of one grey each: 10 times their number, and of superclass number % 2. Within an image, rows of tiles differ by 1.
Dataset grey_images(int size = 16) {
  Dataset dataset;
  dataset.image_size = size;
  dataset.classes = {{"a", "b", "novel"}, {"a0", "b0", "novel"}, {0, 1, 2}};
  for (int i = 0; i < 10; ++i) {
    dataset.names.push_back(std::to_string(i));
    dataset.superclasses.push_back(i % 2);
    dataset.subclasses.push_back(i % 2);
    dataset.is_extra.push_back(i == 9);
    for (int y = 0; y < size; ++y) {
      for (int x = 0; x < 3 * size; ++x) {
        dataset.pixels.push_back(static_cast<std::uint8_t>(10 * i + y * 8 / size));
      }
    }
  }
  return dataset;
}

std::vector<std::int64_t> first(std::int64_t count) {
  std::vector<std::int64_t> indices;
  for (std::int64_t i = 0; i < count; ++i) indices.push_back(i);
  return indices;
}

}  // namespace

TEST_CASE("outliers: what each kind is made of") {
  const Dataset dataset = grey_images();
  const Dataset made = make_outliers(dataset, first(10), 60, 42);
  CHECK(made.count() == 60);
  CHECK(made.pixels.size() == 60 * made.image_bytes());
  for (std::int64_t i = 0; i < 60; ++i) {
    const auto number = static_cast<std::size_t>(i);
    CAPTURE(made.names[number]);
    CHECK(made.superclasses[number] == 2);
    CHECK(made.subclasses[number] == 2);
    const auto image = made.image(i);
    const auto at = [&](int x, int y) { return image[static_cast<std::size_t>(3 * (y * 16 + x))]; };
    std::multiset<int> values(image.begin(), image.end());
    if (i % 3 == 0) {  // the quarters keep their places
      CHECK(made.names[number] == "made:mosaic:" + std::to_string(i));
      std::set<int> supers;
      for (const auto& [x, y] : {std::pair(0, 0), {8, 0}, {0, 8}, {8, 8}}) {
        CHECK(at(x, y) % 10 == y * 8 / 16);
        CHECK(at(x + 7, y + 7) == at(x, y) + 3);
        CHECK(at(x, y) / 10 < 9);  // extra images are left out
        supers.insert(at(x, y) / 10 % 2);
      }
      CHECK(supers.size() == 2);
    } else if (i % 3 == 1) {  // every tile once
      const int source = at(0, 0) / 10;
      for (int row = 0; row < 8; ++row) CHECK(values.count(10 * source + row) == 16 * 16 * 3 / 8);
      CHECK_FALSE(std::is_sorted(image.begin(), image.end()));
    } else {  // a mean of an even and an odd image
      CHECK((at(0, 0) - 1) % 10 == 4);
      CHECK(at(0, 15) == at(0, 0) + 7);
    }
  }
}

TEST_CASE("outliers: the same for a seed, of any size of the images") {
  const Dataset small = make_outliers(grey_images(16), first(10), 9, 1);
  CHECK(small.pixels == make_outliers(grey_images(16), first(10), 9, 1).pixels);
  CHECK(small.pixels != make_outliers(grey_images(16), first(10), 9, 2).pixels);
  const Dataset large = make_outliers(grey_images(32), first(10), 9, 1);
  for (std::int64_t i = 0; i < 9; ++i) CHECK(large.image(i)[0] == small.image(i)[0]);
  CHECK(make_outliers(grey_images(), first(10), 0, 1).count() == 0);
}

TEST_CASE("outliers: with one level of classes, of images of different classes") {
  Dataset dataset = grey_images();
  dataset.classes = {{kOnlySuperclass, "novel"}, {"a", "b", "novel"}, {0, 0, 1}};
  std::fill(dataset.superclasses.begin(), dataset.superclasses.end(), 0);
  const Dataset made = make_outliers(dataset, first(10), 9, 42);
  CHECK(made.pixels == make_outliers(grey_images(), first(10), 9, 42).pixels);
  CHECK(made.superclasses == std::vector<std::int32_t>(9, 1));
  CHECK_THROWS_WITH_AS(make_outliers(dataset, {0, 2, 4}, 3, 1),
                       "outliers: wanted images of at least two classes to make them of, got fewer", Error);
}

TEST_CASE("outliers: of one superclass, or of images that cannot be cut") {
  CHECK_THROWS_WITH_AS(make_outliers(grey_images(), {0, 2, 4}, 3, 1),
                       Contains("images of at least two superclasses"), Error);
  CHECK_THROWS_WITH_AS(make_outliers(grey_images(), {}, 3, 1),
                       Contains("images of at least two superclasses"), Error);
  CHECK_THROWS_WITH_AS(make_outliers(grey_images(12), first(10), 3, 1),
                       "outliers: wanted an image size that is a multiple of 8, got 12", Error);
}
