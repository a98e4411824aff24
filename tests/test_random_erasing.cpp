// Wiped out rectangles: torchvision's distribution, and what is left of the image.
#include "data/random_erasing.h"

#include <doctest/doctest.h>

#include <vector>

#include "tests/support/random_boxes.h"

using namespace tern;

TEST_CASE("random_erasing: rectangles have torchvision's distribution and are smaller than the image") {
  test::check_boxes("erasing", [](int size, RandomStream& random) {
    const std::optional<Erasure> box = draw_erasure({.probability = 1}, size, random);
    REQUIRE(box);
    REQUIRE(box->height < size);
    REQUIRE(box->width < size);
    REQUIRE(box->top + box->height <= size);
    REQUIRE(box->left + box->width <= size);
    return std::array{box->height, box->width, box->top, box->left};
  });
}

TEST_CASE("random_erasing: with its probability") {
  RandomStream random(3, random_purpose::test);
  int erased = 0;
  for (int i = 0; i < 20000; ++i) erased += draw_erasure({.probability = 0.25f}, 32, random) ? 1 : 0;
  CHECK(erased / 20000.0 == doctest::Approx(0.25).epsilon(0.06));
  CHECK_FALSE(draw_erasure({.probability = 0}, 32, random));
}

TEST_CASE("random_erasing: zeros, or standard normal numbers that are the same each time") {
  const int size = 64;
  const std::vector<float> before(static_cast<std::size_t>(size * size * 3), 7);
  const auto inside = [](int y, int x) { return y >= 3 && y < 43 && x >= 10 && x < 60; };
  Erasure erasure{3, 10, 40, 50};
  std::vector<float> zeros = before;
  erase(zeros, size, erasure);
  erasure.noise = RandomStream(1, random_purpose::test);
  std::vector<float> noise = before, again = before;
  erase(noise, size, erasure);
  erase(again, size, erasure);
  CHECK(noise == again);
  double sum = 0, squares = 0;
  for (int y = 0; y < size; ++y) {
    for (int x = 0; x < size; ++x) {
      for (int c = 0; c < 3; ++c) {
        const auto i = static_cast<std::size_t>((y * size + x) * 3 + c);
        REQUIRE(zeros[i] == (inside(y, x) ? 0.0f : 7.0f));
        if (!inside(y, x)) REQUIRE(noise[i] == 7.0f);
        if (inside(y, x)) {
          sum += double{noise[i]};
          squares += double{noise[i]} * double{noise[i]};
        }
      }
    }
  }
  const double count = 40 * 50 * 3;
  CHECK(std::abs(sum / count) < 5 / std::sqrt(count));
  CHECK(squares / count == doctest::Approx(1).epsilon(0.1));
}
