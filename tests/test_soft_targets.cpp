// Targets as distributions, against their formulas in double precision.
#include "data/soft_targets.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"

using namespace tern;

TEST_CASE("soft_targets: one-hot, and smoothed as cross-entropy smooths classes") {
  const std::vector<std::int32_t> labels{2, 0, 3};
  for (const float smoothing : {0.0f, 0.1f}) {
    const Tensor targets = soft_targets(labels, 4, {.label_smoothing = smoothing}, {});
    CHECK(targets.shape() == Shape{3, 4});
    for (std::size_t r = 0; r < 3; ++r) {
      for (std::size_t c = 0; c < 4; ++c) {
        const double wanted =
            (static_cast<std::int32_t>(c) == labels[r] ? 1 - double{smoothing} : 0) + double{smoothing} / 4;
        CHECK(double{targets.data<float>()[r * 4 + c]} == doctest::Approx(wanted).epsilon(1e-6));
      }
    }
  }
  CHECK(soft_targets({}, 4, {}, {}).shape() == Shape{0, 4});
}

TEST_CASE("soft_targets: outliers are uniform over the known classes, each group with its own mean") {
  // Five classes: 0, 1 and 3 are known, 2 is held out, 4 is novel. Three images are known, two are outliers.
  const std::vector<std::int32_t> labels{4, 1, 3, 4, 0};
  const std::vector<std::uint8_t> known{1, 1, 0, 1, 0};
  const double smoothing = 0.2, weight = 0.5;
  const Tensor targets = soft_targets(labels, 5, {.label_smoothing = 0.2f, .outlier_weight = 0.5f}, known);
  for (std::size_t r = 0; r < labels.size(); ++r) {
    for (std::size_t c = 0; c < 5; ++c) {
      const double uniform = known[c] / 3.0;
      const double one_hot = static_cast<std::int32_t>(c) == labels[r] ? 1 : 0;
      const double wanted = labels[r] == 4 ? weight * 5 / 2 * uniform
                                           : 5.0 / 3 * ((1 - smoothing) * one_hot + smoothing * uniform);
      CHECK(double{targets.data<float>()[r * 5 + c]} == doctest::Approx(wanted).epsilon(1e-6));
    }
  }
}

TEST_CASE("soft_targets: batches of known images alone, and of outliers alone") {
  const std::vector<std::uint8_t> known{1, 1, 0};
  const SoftTargets options{.label_smoothing = 0, .outlier_weight = 0.5f};
  CHECK(soft_targets(std::vector<std::int32_t>{1}, 3, options, known).to_vector<float>() ==
        std::vector<float>{0, 1, 0});
  CHECK(soft_targets(std::vector<std::int32_t>{2, 2}, 3, options, known).to_vector<float>() ==
        std::vector<float>{0.25f, 0.25f, 0, 0.25f, 0.25f, 0});
}

TEST_CASE("soft_targets: refuses what it cannot make targets of") {
  const std::vector<std::int32_t> labels{1};
  const std::vector<std::uint8_t> known{1, 1, 0}, none{0, 0, 0};
  CHECK_THROWS_AS(soft_targets(std::vector<std::int32_t>{3}, 3, {}, {}), Error);
  CHECK_THROWS_AS(soft_targets(std::vector<std::int32_t>{-1}, 3, {}, {}), Error);
  CHECK_THROWS_AS(soft_targets(labels, 3, {}, known), Error);
  const SoftTargets exposing{.label_smoothing = 0, .outlier_weight = 1};
  CHECK_THROWS_AS(soft_targets(labels, 3, exposing, {}), Error);
  CHECK_THROWS_AS(soft_targets(labels, 3, exposing, none), Error);
}
