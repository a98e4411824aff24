#include "engine/metrics/risk_coverage.h"

#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/metrics/ranking.h"

namespace tern {
namespace {

double area_over_coverage(const std::vector<RiskCoveragePoint>& curve, double RiskCoveragePoint::*risk) {
  double area = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) {
    area += (curve[i].coverage - curve[i - 1].coverage) * (curve[i].*risk + curve[i - 1].*risk) / 2;
  }
  return area;
}

}  // namespace

std::vector<RiskCoveragePoint> risk_coverage_curve(std::span<const double> scores,
                                                   std::span<const std::uint8_t> failures) {
  constexpr const char* kSubject = "risk coverage";
  if (scores.size() != failures.size()) {
    throw Error(kSubject, "a flag for each of " + std::to_string(scores.size()) + " scores",
                std::to_string(failures.size()));
  }
  check_scores(kSubject, "given", scores);
  std::vector<double> failed, right;
  for (std::size_t i = 0; i < scores.size(); ++i) (failures[i] != 0 ? failed : right).push_back(scores[i]);
  const std::vector<ScoreGroup> groups = rank_scores(failed, right);

  const auto rows = static_cast<double>(scores.size());
  std::vector<RiskCoveragePoint> curve{{-std::numeric_limits<double>::infinity(), 0, 0, 0}};
  std::int64_t answered = 0, answered_failures = 0;
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    answered += group->positive + group->negative;
    answered_failures += group->positive;
    const auto count = static_cast<double>(answered), wrong = static_cast<double>(answered_failures);
    curve.push_back({group->score, count / rows, wrong / count, wrong / rows});
  }
  curve[0].selective_risk = curve[1].selective_risk;
  return curve;
}

double aurc(std::span<const double> scores, std::span<const std::uint8_t> failures) {
  return area_over_coverage(risk_coverage_curve(scores, failures), &RiskCoveragePoint::selective_risk);
}

double augrc(std::span<const double> scores, std::span<const std::uint8_t> failures) {
  return area_over_coverage(risk_coverage_curve(scores, failures), &RiskCoveragePoint::generalized_risk);
}

OpenSetRisk open_set_risk(std::span<const double> seen, std::span<const std::uint8_t> correct,
                          std::span<const double> novel) {
  if (correct.size() != seen.size()) {
    throw Error("risk coverage", std::to_string(seen.size()) + " answers of seen rows",
                std::to_string(correct.size()));
  }
  std::vector<double> scores(seen.begin(), seen.end());
  scores.insert(scores.end(), novel.begin(), novel.end());
  std::vector<std::uint8_t> failures;
  for (const std::uint8_t right : correct) failures.push_back(right == 0);
  failures.resize(scores.size(), 1);
  return {aurc(scores, failures), augrc(scores, failures)};
}

}  // namespace tern
