// Mixed batches against timm's formulas in double precision, and the distribution of what is drawn.
#include "data/mixup.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "data/beta_distribution.h"
#include "data/random_purpose.h"

using namespace tern;

namespace {

std::vector<float> random_values(std::size_t count) {
  RandomStream random(9, random_purpose::test);
  std::vector<float> values(count);
  for (float& value : values) value = random.uniform(-2, 2);
  return values;
}

}  // namespace

TEST_CASE("mixup: the share is Beta(alpha, alpha), whose distribution test_random.cpp tests") {
  RandomStream random(4, random_purpose::test);
  for (int i = 0; i < 100; ++i) {
    RandomStream same = random;
    CHECK(draw_mix({.mixup_alpha = 0.2f}, 1000, random).share ==
          static_cast<float>(draw_beta(double{0.2f}, same)));
  }
}

TEST_CASE("mixup: with both alphas half of the batches are cut") {
  RandomStream random(4, random_purpose::test);
  int cut = 0;
  for (int i = 0; i < 10000; ++i) cut += draw_mix({0.2f, 1}, 32, random).cut ? 1 : 0;
  CHECK(std::abs(cut - 5000) < 250);
  CHECK_FALSE(draw_mix({0.2f, 0}, 32, random).cut);
  CHECK(draw_mix({0, 0.2f}, 32, random).cut);
}

TEST_CASE("mixup: cutmix's rectangle is timm's, and the share what it leaves") {
  RandomStream random(6, random_purpose::test);
  double left = 0, share = 0;
  for (int i = 0; i < 20000; ++i) {
    RandomStream same = random;
    const DrawnMix mix = draw_mix({0, 1}, 40, random);
    // Its numbers again, in the order in which they are drawn.
    const double lambda = draw_beta(1, same);
    const int cut = static_cast<int>(40 * std::sqrt(1 - lambda));
    const int cy = static_cast<int>(same.below(40)), cx = static_cast<int>(same.below(40));
    REQUIRE(mix.top == std::clamp(cy - cut / 2, 0, 40));
    REQUIRE(mix.bottom == std::clamp(cy + cut / 2, 0, 40));
    REQUIRE(mix.left == std::clamp(cx - cut / 2, 0, 40));
    REQUIRE(mix.right == std::clamp(cx + cut / 2, 0, 40));
    const double area = (mix.bottom - mix.top) * (mix.right - mix.left);
    REQUIRE(double{mix.share} == doctest::Approx(1 - area / 1600).epsilon(1e-6));
    left += cx / 20000.0;
    share += double{mix.share} / 20000.0;
  }
  CHECK(left == doctest::Approx(19.5).epsilon(0.02));
  CHECK(share > 0.5);  // rectangles are cut off at the border
}

TEST_CASE("mixup: images blend with those at the other end of the batch") {
  for (const std::int64_t count : {1, 2, 5, 6}) {
    const std::vector<float> before = random_values(static_cast<std::size_t>(count) * 4 * 4 * 3);
    std::vector<float> images = before;
    mix_images(images, count, 4, {.share = 0.3f});
    for (std::int64_t row = 0; row < count; ++row) {
      for (std::int64_t i = 0; i < 48; ++i) {
        const auto own = static_cast<std::size_t>(row * 48 + i);
        const auto other = static_cast<std::size_t>((count - 1 - row) * 48 + i);
        const double wanted = 0.3 * double{before[own]} + 0.7 * double{before[other]};
        REQUIRE(double{images[own]} == doctest::Approx(wanted).epsilon(1e-5));
      }
    }
  }
  std::vector<float> none;
  mix_images(none, 0, 4, {.share = 0.3f});
  mix_images(none, 0, 4, {.share = 0.3f, .cut = true, .bottom = 2, .right = 2});
}

TEST_CASE("mixup: a rectangle of the other image, and nothing else, is put in") {
  const int size = 5;
  const std::int64_t count = 5;
  const std::vector<float> before = random_values(5 * 75);
  std::vector<float> images = before;
  mix_images(images, count, size, {.share = 0.5f, .cut = true, .top = 1, .bottom = 3, .left = 2, .right = 5});
  for (std::int64_t row = 0; row < count; ++row) {
    for (int i = 0; i < 75; ++i) {
      const int y = i / 15, x = i / 3 % 5;
      const bool inside = y >= 1 && y < 3 && x >= 2;
      const std::int64_t from = inside ? count - 1 - row : row;
      REQUIRE(images[static_cast<std::size_t>(row * 75 + i)] ==
              before[static_cast<std::size_t>(from * 75 + i)]);
    }
  }
}
