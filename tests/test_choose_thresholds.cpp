// Thresholds of a level, computed without a run's files.
#include "apps/measure/choose_thresholds.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/core/check.h"
#include "tests/support/tiny_level.h"

using namespace tern;
using doctest::Contains;

namespace {

LevelGroups groups_of(Level level) {
  const test::TemporaryFolder folder;
  const StudyData data = test::made_up_study();
  return level_groups(test::made_up_run(folder, data), data, test::made_up_parts(data), {}, level);
}

}  // namespace

TEST_CASE("choose_thresholds: what is never trained on calibrates, near before far") {
  const LevelThresholds sub = choose_thresholds("run", groups_of(Level::sub), {42, 0.95});
  CHECK(sub.calibrated_with == "near");
  REQUIRE(sub.groups.size() == 3);
  CHECK(sub.groups[0].name == "seen");
  CHECK(sub.groups[0].distribution.count == 30);
  CHECK(sub.groups[2].confidences.size() == 7);
  CHECK(sub.groups[2].histogram.size() == 30);
  CHECK(choose_thresholds("run", groups_of(Level::super), {42, 0.95}).calibrated_with == "far");
  LevelGroups alone = groups_of(Level::sub);
  alone.near = alone.far = {};
  const LevelThresholds seen = choose_thresholds("run", alone, {42, 0.95});
  CHECK(seen.calibrated_with == "seen images alone");
  CHECK(seen.candidates.size() == 4);
  CHECK_FALSE(seen.candidates[0].test_half.harmonic_mean);
}

TEST_CASE("choose_thresholds: a tau chosen on one half keeps its promise there, and has rates on the other") {
  const LevelThresholds level = choose_thresholds("run", groups_of(Level::sub), {42, 0.8});
  CHECK(level.candidates.size() == 8);
  for (const ChosenThreshold& chosen : level.candidates) {
    CAPTURE(chosen.candidate.name);
    CHECK(*chosen.test_half.seen_right <= *chosen.test_half.seen_kept);
    CHECK(chosen.test_half.near_found);
    CHECK_FALSE(chosen.test_half.far_held_out_found);
    if (chosen.candidate.name == "seen_target") CHECK(*chosen.calibration_half.seen_kept >= 80);
    if (chosen.candidate.name == "novel_target") CHECK(*chosen.calibration_half.near_found >= 80);
  }
  CHECK(level.reference.seen.count == 37);  // CIFAR images among them
  CHECK(level.reference.candidates.size() == 2);
}

TEST_CASE("choose_thresholds: too few images, and logits that are no numbers") {
  LevelGroups groups = groups_of(Level::sub);
  groups.near.logits[3] = std::nanf("");
  CHECK_THROWS_WITH_AS(choose_thresholds("run", groups, {42, 0.95}),
                       "sub level: wanted numbers for logits, got NaN (near)", Error);
  groups = groups_of(Level::sub);
  groups.near.labels.resize(1);
  groups.near.logits.resize(5);
  CHECK_THROWS_WITH_AS(choose_thresholds("run", groups, {42, 0.95}),
                       "run: wanted at least 2 near novel images, for two halves, got 1", Error);
  groups.seen = {};
  CHECK_THROWS_WITH_AS(choose_thresholds("run", groups, {42, 0.95}),
                       Contains("at least 2 validation images of known classes, got 0"), Error);
}

TEST_CASE("choose_thresholds: which rules the reference prints") {
  for (const Level level : kLevels) {
    CHECK(is_rule_of_reference("p10_seen", level));
    CHECK(is_rule_of_reference("mean_midpoint", level));
    CHECK(is_rule_of_reference("p5_seen", level) == (level == Level::super));
    CHECK(is_rule_of_reference("mean_minus_deviation", level) == (level == Level::super));
    CHECK_FALSE(is_rule_of_reference("equal_error_rate", level));
  }
}

TEST_CASE("choose_thresholds: the best in an expected mix, and what is right there") {
  ThresholdOptions options{42, 0.95};
  options.mix = TestMix{20, 50, 30};
  for (const Level level : kLevels) {
    const LevelGroups groups = groups_of(level);
    const LevelThresholds chosen = choose_thresholds("run", groups, options);
    CHECK(chosen.candidates.back().candidate.name == "best_expected_accuracy");
    for (const ChosenThreshold& other : chosen.candidates) {
      CAPTURE(other.candidate.name);
      REQUIRE(other.calibration_half.expected_accuracy);
      CHECK(*other.calibration_half.expected_accuracy <=
            *chosen.candidates.back().calibration_half.expected_accuracy + 1e-9);
    }
    // By hand, of the other half: shares of right answers, weighted.
    const ChosenThreshold& best = chosen.candidates.back();
    const HalfRates& test = best.test_half;
    if (level == Level::sub) {
      CHECK(*test.expected_accuracy ==
            doctest::Approx(0.2 * *test.seen_right + 0.5 * *test.near_found + 0.3 * *test.far_found));
    } else {
      CHECK(groups.seen_near.count() == 30);  // of held-out subclasses: right if their superclass is answered
      CHECK(*test.expected_accuracy <= 0.2 * *test.seen_right + 0.3 * *test.far_found + 50);
    }
  }
}

TEST_CASE("choose_thresholds: by class, only where a class has images enough") {
  ThresholdOptions options{42, 0.95};
  options.by_class = "best_harmonic_mean";
  const LevelGroups groups = groups_of(Level::sub);
  const LevelThresholds few = choose_thresholds("run", groups, options);
  REQUIRE(few.class_taus.size() == 5);
  for (const double tau : few.class_taus) CHECK(tau == few.class_taus[0]);  // 5 images of each are too few
  // The same images over and over.
  LevelGroups many = groups;
  for (int times = 0; times < 20; ++times) {
    for (LevelRows* rows : {&many.seen, &many.near}) {
      const LevelRows& more = rows == &many.seen ? groups.seen : groups.near;
      rows->logits.insert(rows->logits.end(), more.logits.begin(), more.logits.end());
      rows->labels.insert(rows->labels.end(), more.labels.begin(), more.labels.end());
    }
  }
  const LevelThresholds enough = choose_thresholds("run", many, options);
  CHECK((enough.class_taus[0] != enough.class_taus[1] || enough.class_taus[2] != enough.class_taus[1]));
  options.by_class = "mean_midpoint";
  CHECK_THROWS_WITH_AS(choose_thresholds("run", groups, options),
                       Contains("--per-class: wanted a rule of quantiles"), Error);
}

TEST_CASE("choose_thresholds: P(novel) falls as the confidence rises") {
  const LevelThresholds chosen = choose_thresholds("run", groups_of(Level::sub), {});
  REQUIRE(chosen.probability);
  CHECK(chosen.probability->probability(novelty_of_confidence(0.99)) < 0.5);
  CHECK(chosen.probability->probability(novelty_of_confidence(0.3)) > 0.5);
  CHECK(chosen.held_out.size() == 30);
  LevelGroups alone = groups_of(Level::sub);
  alone.near = alone.far = {};
  CHECK_FALSE(choose_thresholds("run", alone, {}).probability);
  CHECK(novelty_of_confidence(0) == 20);
  CHECK(novelty_of_confidence(1) == -20);
  CHECK(novelty_of_confidence(0.5) == 0);
}
