#include "engine/metrics/confidence.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "engine/core/check.h"

using namespace tern;

TEST_CASE("confidence: the largest softmax value and its class") {
  const std::vector<float> logits{1, 3, 2, /**/ 0, 0, 0, /**/ 1000, -1000, 999};
  const MostProbable rows = most_probable(logits, 3);
  CHECK(rows.classes == std::vector<std::int32_t>{1, 0, 0});
  CHECK(rows.probabilities[0] ==
        doctest::Approx(std::exp(3.0) / (std::exp(1.0) + std::exp(3.0) + std::exp(2.0))).epsilon(1e-6));
  CHECK(rows.probabilities[1] == doctest::Approx(1.0 / 3));
  CHECK(rows.probabilities[2] == doctest::Approx(1 / (1 + std::exp(-1.0))).epsilon(1e-6));
}

TEST_CASE("confidence: a class that is not allowed has no column") {
  const std::vector<float> logits{5, 1, 2};
  const std::vector<std::uint8_t> allowed{0, 1, 1};
  const MostProbable rows = most_probable(logits, 3, allowed);
  CHECK(rows.classes[0] == 2);
  CHECK(rows.probabilities[0] == doctest::Approx(1 / (1 + std::exp(-1.0))).epsilon(1e-6));
}

TEST_CASE("confidence: below tau is novel, at tau is not, NaN is") {
  const MostProbable rows{{0, 1, 2, 0}, {0.98f, 0.99f, 1.0f, std::numeric_limits<float>::quiet_NaN()}};
  CHECK(threshold(rows, 0.99, 3) == std::vector<std::int32_t>{3, 1, 2, 3});
  CHECK(threshold(rows, 0, 3) == std::vector<std::int32_t>{0, 1, 2, 3});
}

TEST_CASE("confidence: a NaN among the logits gives a NaN probability") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& logits : {std::vector<float>{nan, 1, 2}, {1, nan, 2}, {1, 2, nan}}) {
    CHECK(std::isnan(most_probable(logits, 3).probabilities[0]));
  }
}

TEST_CASE("confidence: sizes that disagree") {
  const std::vector<float> logits(6);
  CHECK_THROWS_AS(most_probable(logits, 4), Error);
  CHECK_THROWS_AS(most_probable(logits, 0), Error);
  CHECK_THROWS_AS(most_probable(logits, 3, std::vector<std::uint8_t>{1, 1}), Error);
  CHECK_THROWS_AS(most_probable(logits, 3, std::vector<std::uint8_t>{0, 0, 0}), Error);
  CHECK(most_probable({}, 3).classes.empty());
}

TEST_CASE("confidence: the most probable class of a row's group, as probable as among all") {
  const std::vector<std::int32_t> group{0, 0, 1, kEveryGroup};
  const std::vector<float> logits{3, 1, 2, 0, /**/ 3, 1, 2, 0, /**/ 3, 1, 2, 0, /**/ 0, 0, 0, 5};
  const std::vector<std::int32_t> of_row{0, 1, 7, 1};
  const MostProbable all = most_probable(logits, 4);
  const MostProbable rows = most_probable_within(logits, 4, {}, group, of_row);
  CHECK(rows.classes == std::vector<std::int32_t>{0, 2, 3, 3});
  CHECK(rows.probabilities[0] == all.probabilities[0]);
  CHECK(rows.probabilities[1] == doctest::Approx(all.probabilities[1] * std::exp(-1.0)).epsilon(1e-6));
  CHECK(rows.probabilities[2] == doctest::Approx(all.probabilities[2] * std::exp(-3.0)).epsilon(1e-6));

  // Without the class of every group a row of an empty group has nothing to answer.
  const std::vector<std::uint8_t> allowed{1, 1, 1, 0};
  const MostProbable masked = most_probable_within(logits, 4, allowed, group, of_row);
  CHECK(masked.classes == std::vector<std::int32_t>{0, 2, 3, 2});
  CHECK(masked.probabilities[2] == 0);
  CHECK_THROWS_AS(most_probable_within(logits, 4, {}, group, std::vector<std::int32_t>{0}), Error);
  CHECK_THROWS_AS(most_probable_within(logits, 4, {}, std::vector<std::int32_t>{0}, of_row), Error);
}
