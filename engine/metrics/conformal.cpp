#include "engine/metrics/conformal.h"

#include <algorithm>
#include <cmath>

#include "engine/core/check.h"
#include "engine/metrics/ranking.h"

namespace tern {

ConformalPValues::ConformalPValues(std::span<const double> held_out)
    : sorted_(held_out.begin(), held_out.end()) {
  check_scores("conformal", "held-out", held_out);
  std::sort(sorted_.begin(), sorted_.end());
}

double ConformalPValues::p_value(double score) const {
  check(!std::isnan(score), "conformal", "a number as the score", "NaN");
  const auto at_least = sorted_.end() - std::lower_bound(sorted_.begin(), sorted_.end(), score);
  return static_cast<double>(1 + at_least) / static_cast<double>(sorted_.size() + 1);
}

std::vector<double> ConformalPValues::p_values(std::span<const double> scores) const {
  std::vector<double> values;
  values.reserve(scores.size());
  for (const double score : scores) values.push_back(p_value(score));
  return values;
}

}  // namespace tern
