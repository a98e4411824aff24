#include "apps/study/summary.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tern {
namespace {

/// The estimates of all folds of all seeds.
std::vector<Estimate> single_estimates(const RowSummary& row) {
  std::vector<Estimate> estimates;
  for (const SeedSummary& seed : row.seeds) {
    estimates.insert(estimates.end(), seed.by_fold.begin(), seed.by_fold.end());
  }
  return estimates;
}

LevelAccuracy minus(const LevelAccuracy& a, const LevelAccuracy& b) {
  const auto difference = [](Percent x, Percent y) { return x && y ? Percent(*x - *y) : std::nullopt; };
  return {difference(a.overall, b.overall), difference(a.seen, b.seen), difference(a.unseen, b.unseen)};
}

std::vector<double>& values_of(ScoreValues& scores, const std::string& name) {
  for (auto& [known, values] : scores) {
    if (known == name) return values;
  }
  return scores.emplace_back(name, std::vector<double>()).second;
}

}  // namespace

MeanDeviation mean_deviation(const std::vector<double>& values) {
  if (values.empty()) return {};
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  if (values.size() < 2) return {mean, std::nullopt};
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, std::sqrt(squares / (count - 1))};
}

MeanDeviation mean_deviation(const std::vector<Estimate>& estimates, const EstimateValue& value) {
  std::vector<double> values;
  for (const Estimate& one : estimates) {
    if (const Percent number = value(one)) values.push_back(*number);
  }
  return mean_deviation(values);
}

MeanDeviation mean_and_scatter(const RowSummary& row, const EstimateValue& value) {
  std::vector<Estimate> pooled;
  for (const SeedSummary& seed : row.seeds) pooled.push_back(seed.estimate);
  const MeanDeviation of_seeds = mean_deviation(pooled, value);
  const bool same_in_folds = std::all_of(row.seeds.begin(), row.seeds.end(), [&](const SeedSummary& seed) {
    return mean_deviation(seed.by_fold, value).deviation.value_or(0) < 1e-9;  // equal but for rounding
  });
  if (same_in_folds) return of_seeds;
  return {of_seeds.mean, mean_deviation(single_estimates(row), value).deviation};
}

std::vector<Estimate> differences(const RowSummary& with, const RowSummary& without) {
  std::vector<Estimate> all;
  for (const SeedSummary& a : with.seeds) {
    for (const SeedSummary& b : without.seeds) {
      if (a.seed != b.seed) continue;
      for (std::size_t i = 0; i < std::min(a.by_fold.size(), b.by_fold.size()); ++i) {
        all.push_back(
            {minus(a.by_fold[i].super, b.by_fold[i].super), minus(a.by_fold[i].sub, b.by_fold[i].sub)});
      }
    }
  }
  return all;
}

MeanDeviation mean_deviation(const RowSummary& row, std::vector<Measured> SeedSummary::*runs,
                             const std::function<Percent(const Measured&)>& value) {
  std::vector<double> values;
  for (const SeedSummary& seed : row.seeds) {
    for (const Measured& run : seed.*runs) {
      if (const Percent number = value(run)) values.push_back(*number);
    }
  }
  return mean_deviation(values);
}

MeanDeviation mean_deviation(const RowSummary& row, Percent WithoutThreshold::*value) {
  std::vector<double> values;
  for (const SeedSummary& seed : row.seeds) {
    for (const WithoutThreshold& fold : seed.without_threshold) {
      if (fold.*value) values.push_back(*(fold.*value));
    }
  }
  return mean_deviation(values);
}

MeanDeviation mean_deviation(const RowSummary& row, Percent SeedSummary::*value) {
  std::vector<double> values;
  for (const SeedSummary& seed : row.seeds) {
    if (seed.*value) values.push_back(*(seed.*value));
  }
  return mean_deviation(values);
}

ScoreValues auroc_by_score(const RowSummary& row, Level level, const std::string& kind) {
  ScoreValues found;
  for (const SeedSummary& seed : row.seeds) {
    for (const ScoreAuroc& one : seed.aurocs) {
      if (one.level != level || one.kind != kind) continue;
      std::vector<double>& values = values_of(found, one.score);
      if (one.auroc) values.push_back(*one.auroc);
    }
  }
  return found;
}

}  // namespace tern
