// A study's results over seeds and folds: means, how far single folds scatter, and differences between rows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "apps/study/estimate.h"
#include "apps/study/plan.h"
#include "data/levels.h"

namespace tern {

/// How well a score tells one kind of novel images from seen ones, in one fold.
struct ScoreAuroc {
  Level level = Level::super;
  std::string kind;  ///< "near", "far" or "far_held_out"
  std::string score;
  Percent auroc;  ///< none where the score was not available
};

/// What one fold measures without any threshold: how good the answers are among known classes, and how well what
/// decides about novelty tells held-out subclasses from seen ones.
struct WithoutThreshold {
  Percent super_accuracy, sub_accuracy;
  Percent near_auroc, near_aurc, near_augrc;
};

/// Of one row with one seed.
struct SeedSummary {
  std::int64_t seed = 0;
  Estimate estimate;              ///< folds pooled
  std::vector<Estimate> by_fold;  ///< the pooled one alone where there are no folds
  std::vector<Measured> folds;
  std::vector<Measured> without;                    ///< a superclass left out each
  std::vector<ScoreAuroc> aurocs;                   ///< fold by fold
  std::vector<WithoutThreshold> without_threshold;  ///< of each fold whose novelty scores were measured

  Percent novel_superclass, novel_subclass, contradicting;  ///< of the predictions, if there are any
  double training_seconds = 0;
};

struct RowSummary {
  const StudyRow* row = nullptr;
  std::vector<SeedSummary> seeds;
  bool one_level = false;  ///< of classes (ClassTable::has_one_level()): what texts call the levels
};

struct MeanDeviation {
  Percent mean, deviation;  ///< the deviation of a sample; none of less than two
};
MeanDeviation mean_deviation(const std::vector<double>& values);

using EstimateValue = std::function<Percent(const Estimate&)>;
/// Over those estimates that have the value.
MeanDeviation mean_deviation(const std::vector<Estimate>& estimates, const EstimateValue& value);
/// The mean of the pooled estimates, and the deviation of single folds; that of the seeds where all folds of
/// each seed agree.
MeanDeviation mean_and_scatter(const RowSummary& row, const EstimateValue& value);

/// Differences of two rows, fold by fold of the seeds that both have.
std::vector<Estimate> differences(const RowSummary& with, const RowSummary& without);

/// Over the folds (or the runs without a superclass) of all seeds.
MeanDeviation mean_deviation(const RowSummary& row, std::vector<Measured> SeedSummary::*runs,
                             const std::function<Percent(const Measured&)>& value);
/// Over the folds of all seeds whose novelty scores were measured.
MeanDeviation mean_deviation(const RowSummary& row, Percent WithoutThreshold::*value);
/// Of a number of the predictions, over seeds.

MeanDeviation mean_deviation(const RowSummary& row, Percent SeedSummary::*value);

/// The AUROC of every fold by score, in the order of the results.
using ScoreValues = std::vector<std::pair<std::string, std::vector<double>>>;
ScoreValues auroc_by_score(const RowSummary& row, Level level, const std::string& kind);

}  // namespace tern
