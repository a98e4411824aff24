#include "models/novelty_calibration.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "engine/core/check.h"

namespace tern {
namespace {

constexpr const char* kCalibration = "novelty calibration";

double logistic(double z) {
  return z >= 0 ? 1 / (1 + std::exp(-z)) : std::exp(z) / (1 + std::exp(z));
}

double log_odds(double p) {
  return std::log(p) - std::log1p(-p);
}

void check_finite_scores(const char* kind, std::span<const double> scores) {
  if (scores.empty()) throw Error(kCalibration, std::string("at least one ") + kind + " score", "none");
  const auto bad =
      std::find_if(scores.begin(), scores.end(), [](double score) { return !std::isfinite(score); });
  if (bad == scores.end()) return;
  throw Error(kCalibration, std::string("finite ") + kind + " scores",
              std::to_string(*bad) + " at row " + std::to_string(bad - scores.begin()));
}

/// Cross-entropy of soft targets with a logistic function of x, plus the penalty.
class Objective {
 public:
  struct Point {
    double slope = 0, intercept = 0;
  };

  Objective(std::vector<double> x, std::vector<double> targets, double penalty)
      : x_(std::move(x)), targets_(std::move(targets)), penalty_(penalty) {}

  double value(const Point& at) const {
    double sum = penalty_ / 2 * at.slope * at.slope;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const double z = at.slope * x_[i] + at.intercept;
      sum += std::max(z, 0.0) + std::log1p(std::exp(-std::abs(z))) - targets_[i] * z;  // log(1 + e^z) - t z
    }
    return sum;
  }

  /// Where the parabola through the derivatives at a point has its least value.
  Point newton_step(const Point& at) const {
    double by_slope = penalty_ * at.slope, by_intercept = 0;
    double slope_twice = penalty_, both = 0, intercept_twice = 0;
    for (std::size_t i = 0; i < x_.size(); ++i) {
      const double p = logistic(at.slope * x_[i] + at.intercept), curvature = p * (1 - p);
      by_slope += (p - targets_[i]) * x_[i];
      by_intercept += p - targets_[i];
      slope_twice += curvature * x_[i] * x_[i];
      both += curvature * x_[i];
      intercept_twice += curvature;
    }
    const double determinant = slope_twice * intercept_twice - both * both;
    return {-(intercept_twice * by_slope - both * by_intercept) / determinant,
            -(slope_twice * by_intercept - both * by_slope) / determinant};
  }

 private:
  std::vector<double> x_, targets_;
  double penalty_;
};

/// Newton's method; a step that would raise the value is halved until it does not. The value is flat to its
/// last digits long before the place of the least one is known to its own, hence the slack.
Objective::Point minimize(const Objective& objective, Objective::Point at) {
  double value = objective.value(at);
  for (int iteration = 0; iteration < 100; ++iteration) {
    Objective::Point step = objective.newton_step(at), next;
    double next_value = value;
    for (;; step.slope /= 2, step.intercept /= 2) {
      if (std::abs(step.slope) + std::abs(step.intercept) < 1e-14) return at;
      next = {at.slope + step.slope, at.intercept + step.intercept};
      next_value = objective.value(next);
      if (next_value <= value + 1e-13 * std::abs(value)) break;
    }
    at = next;
    value = next_value;
  }
  return at;
}

}  // namespace

double NoveltyCalibration::probability(double score) const {
  // With no slope an infinite score says nothing either.
  return logistic(slope == 0 && !std::isnan(score) ? intercept
                                                   : slope * (score - mean) / deviation + intercept);
}

std::vector<double> NoveltyCalibration::probabilities(std::span<const double> scores) const {
  std::vector<double> values;
  values.reserve(scores.size());
  for (const double score : scores) values.push_back(probability(score));
  return values;
}

NoveltyCalibration NoveltyCalibration::with_novel_share(double expected) const {
  if (!(expected > 0 && expected < 1)) {
    throw Error(kCalibration, "a share of novel images over 0 and under 1", std::to_string(expected));
  }
  NoveltyCalibration shifted = *this;
  shifted.intercept += log_odds(expected) - log_odds(novel_share);
  shifted.novel_share = expected;
  return shifted;
}

NoveltyCalibration calibrate_novelty(std::span<const double> seen, std::span<const double> novel,
                                     double penalty) {
  check_finite_scores("seen", seen);
  check_finite_scores("novel", novel);
  if (!(penalty >= 0 && std::isfinite(penalty))) {
    throw Error(kCalibration, "a penalty of at least 0", std::to_string(penalty));
  }
  const auto seen_count = static_cast<double>(seen.size()), novel_count = static_cast<double>(novel.size());
  std::vector<double> x(seen.begin(), seen.end()), targets(seen.size(), 1 / (seen_count + 2));
  x.insert(x.end(), novel.begin(), novel.end());
  targets.resize(x.size(), (novel_count + 1) / (novel_count + 2));

  NoveltyCalibration result;
  const auto n = static_cast<double>(x.size());
  double squares = 0, mean_target = 0;
  for (const double score : x) result.mean += score / n;
  for (const double score : x) squares += (score - result.mean) * (score - result.mean) / n;
  for (const double target : targets) mean_target += target / n;
  result.deviation = std::sqrt(squares);
  if (!std::isfinite(result.deviation)) {
    throw Error(kCalibration, "scores with a finite variance", std::to_string(squares));
  }
  result.novel_share = novel_count / n;
  result.intercept = log_odds(mean_target);
  if (result.deviation == 0 || std::all_of(x.begin(), x.end(), [&](double score) { return score == x[0]; })) {
    result.deviation = 1;
    return result;
  }
  for (double& score : x) score = (score - result.mean) / result.deviation;
  const Objective::Point best =
      minimize(Objective(std::move(x), std::move(targets), penalty), {0, result.intercept});
  result.slope = best.slope;
  result.intercept = best.intercept;
  return result;
}

}  // namespace tern
