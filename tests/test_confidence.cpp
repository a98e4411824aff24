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
