#include "engine/metrics/thresholds.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "engine/metrics/distribution.h"

using namespace tern;
using doctest::Contains;

namespace {

ConfidenceGroups random_groups(std::uint32_t stream, int seen, int novel, bool rounded = false) {
  RandomStream random(3, random_purpose::test, stream);
  const auto draw = [&](double power) {
    const double value = std::pow(random.uniform(), power);
    return static_cast<float>(rounded ? std::round(value * 10) / 10 : value);
  };
  ConfidenceGroups groups;
  for (int i = 0; i < seen; ++i) {
    groups.seen.push_back(draw(0.3));
    groups.seen_correct.push_back(random.chance(0.8f));
  }
  for (int i = 0; i < novel; ++i) groups.novel.push_back(draw(1.2));
  return groups;
}

std::map<std::string, ThresholdCandidate> by_name(const ConfidenceGroups& groups, double target = 0.95) {
  std::map<std::string, ThresholdCandidate> found;
  for (const ThresholdCandidate& one : threshold_candidates(groups, target)) found[one.name] = one;
  return found;
}

}  // namespace

TEST_CASE("thresholds: rates are the shares on either side") {
  const ConfidenceGroups groups{{0.2f, 0.5f, 0.9f, 1.0f}, {1, 0, 1, 1}, {0.1f, 0.5f, 0.7f}};
  const ThresholdRates rates = rates_at(groups, 0.5);
  CHECK(*rates.seen_kept == 75);
  CHECK(*rates.seen_right == 50);
  CHECK(*rates.novel_found == doctest::Approx(100.0 / 3));
  CHECK(*rates.harmonic_mean == doctest::Approx(40));
  CHECK_FALSE(rates_at({{0.5f}, {1}, {}}, 0.5).novel_found);
  CHECK(*rates_at({{0.99f}, {1}, {}}, 0.99).seen_kept == 100);  // compared as float, as when predicting
}

TEST_CASE("thresholds: percentiles, midpoint and deviation") {
  const ConfidenceGroups groups = random_groups(1, 200, 90);
  const auto found = by_name(groups);
  const Distribution seen = describe(groups.seen), novel = describe(groups.novel);
  CHECK(found.at("p10_seen").tau == seen.percentile(10));
  CHECK(found.at("p5_seen").tau == seen.percentile(5));
  CHECK(found.at("mean_midpoint").tau == (seen.mean + novel.mean) / 2);
  CHECK(found.at("mean_minus_deviation").tau == doctest::Approx(seen.mean - seen.deviation));
}

TEST_CASE("thresholds: no tau of a fine grid does better than the rules that optimise") {
  for (const bool rounded : {false, true}) {
    CAPTURE(rounded);
    const ConfidenceGroups groups = random_groups(2, 150, 110, rounded);
    const auto found = by_name(groups);
    const auto gap = [&](double tau) {
      const ThresholdRates rates = rates_at(groups, tau);
      return std::abs((100 - *rates.seen_kept) - (100 - *rates.novel_found));
    };
    const double best_gap = gap(found.at("equal_error_rate").tau);
    const double best_mean = *rates_at(groups, found.at("best_harmonic_mean").tau).harmonic_mean;
    const double seen_target = found.at("seen_target").tau, novel_target = found.at("novel_target").tau;
    CHECK(*rates_at(groups, seen_target).seen_kept >= 95);
    CHECK(*rates_at(groups, novel_target).novel_found >= 95);
    for (int i = 0; i <= 10000; ++i) {
      const double tau = i / 10000.0;
      const ThresholdRates rates = rates_at(groups, tau);
      CHECK(gap(tau) >= best_gap - 1e-9);
      CHECK(*rates.harmonic_mean <= best_mean + 1e-9);
      if (tau > seen_target + 1e-6) CHECK(*rates.seen_kept < 95);
      if (tau < novel_target - 1e-6 && *rates.novel_found >= 95) {
        // The same cut: no novel image lies between.
        CHECK(*rates.novel_found == *rates_at(groups, novel_target).novel_found);
      }
    }
  }
}

TEST_CASE("thresholds: exact shares meet the target") {
  ConfidenceGroups groups;
  for (int i = 1; i <= 20; ++i) groups.seen.push_back(static_cast<float>(i) / 20);
  groups.seen_correct.resize(20, 1);
  CHECK(by_name(groups, 0.95).at("seen_target").tau == doctest::Approx(0.1));  // keeps 19 of 20
  CHECK(by_name(groups, 1).at("seen_target").tau == doctest::Approx(0.05));
}

TEST_CASE("thresholds: without novel images only what the seen ones say") {
  const ConfidenceGroups groups = random_groups(4, 30, 0);
  std::vector<std::string> names;
  for (const ThresholdCandidate& one : threshold_candidates(groups)) names.push_back(one.name);
  CHECK(names == std::vector<std::string>{"p10_seen", "p5_seen", "mean_minus_deviation", "seen_target"});
}

TEST_CASE("thresholds: novel images that are all certain are found by no tau") {
  const ConfidenceGroups groups{{0.5f, 1}, {1, 1}, {1, 1}};
  const auto found = by_name(groups);
  CHECK_FALSE(found.contains("novel_target"));
  CHECK(found.contains("best_harmonic_mean"));
}

TEST_CASE("thresholds: what cannot be ranked") {
  CHECK_THROWS_WITH_AS(threshold_candidates({{}, {}, {0.5f}}),
                       "thresholds: wanted at least one seen image, got none", Error);
  CHECK_THROWS_WITH_AS(threshold_candidates({{0.5f}, {1}, {NAN}}), Contains("for the novel images, got nan"),
                       Error);
  CHECK_THROWS_AS(threshold_candidates({{1.5f}, {1}, {}}), Error);
  CHECK_THROWS_AS(threshold_candidates({{0.5f}, {}, {}}), Error);
  CHECK_THROWS_AS(threshold_candidates({{0.5f}, {1}, {}}, 0), Error);
}
