#include "models/novelty_calibration.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <string>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "tests/support/goldens.h"

using namespace tern;
using doctest::Contains;

namespace {

using Values = std::vector<double>;

/// Cross-entropy with Platt's targets and the penalty, as its definition.
double naive_objective(const Values& seen, const Values& novel, const NoveltyCalibration& fit,
                       double penalty) {
  double sum = penalty * fit.slope * fit.slope / 2;
  const auto add = [&](const Values& scores, double target) {
    for (const double score : scores) {
      const double p = 1 / (1 + std::exp(-(fit.slope * (score - fit.mean) / fit.deviation + fit.intercept)));
      sum -= target * std::log(p) + (1 - target) * std::log(1 - p);
    }
  };
  add(seen, 1 / (static_cast<double>(seen.size()) + 2));
  add(novel, (static_cast<double>(novel.size()) + 1) / (static_cast<double>(novel.size()) + 2));
  return sum;
}

Values random_scores(std::uint32_t stream, int count, double mean) {
  RandomStream random(15, random_purpose::test, stream);
  Values scores;
  for (int i = 0; i < count; ++i) scores.push_back(random.normal() + mean);
  return scores;
}

}  // namespace

TEST_CASE("novelty_calibration: scikit-learn's probabilities") {
  for (const auto& named : test::read_goldens("novelty_calibration.txt")) {
    const std::string& name = named.first;
    const test::GoldenCase& golden = named.second;
    CAPTURE(name);
    const NoveltyCalibration fit = calibrate_novelty(
        golden.array("seen").values, golden.array("novel").values, golden.array("penalty")[0]);
    const Values probabilities = fit.probabilities(golden.array("probes").values);
    // Its own sigmoid calibration stops early.
    const double tolerance = golden.array("penalty")[0] == 0 ? 2e-4 : 1e-8;
    for (std::size_t i = 0; i < probabilities.size(); ++i) {
      CHECK(std::abs(probabilities[i] - golden.array("probabilities").values[i]) < tolerance);
    }
  }
}

TEST_CASE("novelty_calibration: no slope or intercept beside it does better") {
  for (const double penalty : {0.0, 1.0, 30.0}) {
    CAPTURE(penalty);
    const Values seen = random_scores(1, 70, 0), novel = random_scores(2, 40, 2);
    const NoveltyCalibration best = calibrate_novelty(seen, novel, penalty);
    const double least = naive_objective(seen, novel, best, penalty);
    for (const double step : {1e-3, 1e-2, 0.3}) {
      for (int direction = 0; direction < 8; ++direction) {
        NoveltyCalibration other = best;
        other.slope += step * std::cos(direction * 0.785398);
        other.intercept += step * std::sin(direction * 0.785398);
        CHECK(naive_objective(seen, novel, other, penalty) > least);
      }
    }
  }
}

TEST_CASE("novelty_calibration: another share is Bayes' rule") {
  const NoveltyCalibration fit = calibrate_novelty(random_scores(3, 90, 0), random_scores(4, 30, 1.5));
  CHECK(fit.novel_share == 0.25);
  const double expected = 0.7;
  const NoveltyCalibration shifted = fit.with_novel_share(expected);
  for (double score = -3; score < 6; score += 0.25) {
    const double p = fit.probability(score);
    const double novel = p * expected / 0.25, seen = (1 - p) * (1 - expected) / 0.75;
    CHECK(shifted.probability(score) == doctest::Approx(novel / (novel + seen)).epsilon(1e-12));
  }
  CHECK(shifted.novel_share == expected);
  CHECK(shifted.with_novel_share(0.25).intercept == doctest::Approx(fit.intercept).epsilon(1e-12));
}

TEST_CASE("novelty_calibration: on fresh images with another mix, of those called p a share of p is novel") {
  const NoveltyCalibration fit =
      calibrate_novelty(random_scores(5, 2000, 0), random_scores(6, 2000, 1.5)).with_novel_share(0.8);
  const Values seen = random_scores(7, 4000, 0), novel = random_scores(8, 16000, 1.5);
  const int bins = 10;
  Values novel_in(bins, 0.0), all_in(bins, 0.0), sum_in(bins, 0.0);
  const auto add = [&](const Values& scores, double is_novel) {
    for (const double p : fit.probabilities(scores)) {
      const auto bin = static_cast<std::size_t>(std::min(p * bins, bins - 1.0));
      novel_in[bin] += is_novel, all_in[bin] += 1, sum_in[bin] += p;
    }
  };
  add(seen, 0);
  add(novel, 1);
  for (std::size_t bin = 0; bin < all_in.size(); ++bin) {
    if (all_in[bin] < 300) continue;
    CHECK(std::abs(novel_in[bin] - sum_in[bin]) / all_in[bin] < 0.06);
  }
  CHECK(all_in.back() > 300);
}

TEST_CASE("novelty_calibration: scale and shift of the score, order of images do not matter") {
  Values seen = random_scores(9, 50, 0), novel = random_scores(10, 50, 1);
  const NoveltyCalibration plain = calibrate_novelty(seen, novel);
  std::reverse(seen.begin(), seen.end());
  for (Values* scores : {&seen, &novel}) {
    for (double& score : *scores) score = 1e6 * score - 3e7;
  }
  const NoveltyCalibration scaled = calibrate_novelty(seen, novel);
  for (const double score : {-2.0, 0.0, 0.5, 4.0}) {
    CHECK(scaled.probability(1e6 * score - 3e7) == doctest::Approx(plain.probability(score)).epsilon(1e-9));
  }
}

TEST_CASE("novelty_calibration: equal scores, infinite ones, one image of each kind") {
  const NoveltyCalibration equal = calibrate_novelty(Values(30, 5.0), Values(10, 5.0));
  CHECK(equal.slope == 0);
  const double mean_target = (30.0 / 32 + 10 * 11.0 / 12) / 40;
  for (const double score : {-1e300, 5.0, 7.0, static_cast<double>(INFINITY)}) {
    CHECK(equal.probability(score) == doctest::Approx(mean_target));
  }
  const NoveltyCalibration fit = calibrate_novelty(Values{0, 1}, Values{2, 3});
  CHECK(fit.probability(INFINITY) == 1);
  CHECK(fit.probability(-INFINITY) == 0);
  CHECK(fit.probability(1e308) == 1);
  CHECK(std::isnan(fit.probability(std::nan(""))));
  CHECK(std::isnan(equal.probability(std::nan(""))));
  const NoveltyCalibration far = calibrate_novelty(Values{0}, Values{1e100}, 0);
  CHECK(far.probability(0) == doctest::Approx(1.0 / 3));  // Platt's targets of one image each
  CHECK(far.probability(1e100) == doctest::Approx(2.0 / 3));
}

TEST_CASE("novelty_calibration: what cannot be fitted") {
  const Values some{1, 2}, none, bad{0, std::nan("")}, endless{INFINITY}, huge{-1e300, 1e300};
  CHECK_THROWS_WITH_AS(calibrate_novelty(none, some),
                       "novelty calibration: wanted at least one seen score, got none", Error);
  CHECK_THROWS_WITH_AS(calibrate_novelty(some, none), Contains("at least one novel score"), Error);
  CHECK_THROWS_WITH_AS(calibrate_novelty(bad, some), Contains("finite seen scores, got nan at row 1"), Error);
  CHECK_THROWS_AS(calibrate_novelty(some, endless), Error);
  CHECK_THROWS_WITH_AS(calibrate_novelty(some, huge), Contains("a finite variance"), Error);
  CHECK_THROWS_AS(calibrate_novelty(some, some, -1), Error);
  CHECK_THROWS_AS(calibrate_novelty(some, some, INFINITY), Error);
  const NoveltyCalibration fit = calibrate_novelty(some, some);
  CHECK_THROWS_WITH_AS(fit.with_novel_share(1), Contains("over 0 and under 1"), Error);
  CHECK_THROWS_AS(fit.with_novel_share(0), Error);
  CHECK_THROWS_AS(fit.with_novel_share(std::nan("")), Error);
}
