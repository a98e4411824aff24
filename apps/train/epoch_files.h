// What an epoch leaves in the run folder. Of several ranks the root alone has them.
//
// In this order: best model (if it is), last model, metrics.csv, TensorBoard's events (tracking.h), summary, training state. The
// state is one file with model, optimiser and progress, so that it cannot disagree with itself, and it is what resuming reads.
// After a crash anywhere in between, the epoch is made again with the same numbers, and the files before it are written again as
// they were.
#pragma once

#include <cstdint>
#include <vector>

#include "apps/run/run_folder.h"
#include "apps/train/epoch_metrics.h"
#include "apps/train/tracking.h"
#include "apps/train/validation_answers.h"
#include "models/checkpoint.h"

namespace tern {

class EpochFiles {
 public:
  /// `run` and `dataset` must outlive this. heads: the parameters of the model's heads.
  EpochFiles(Run& run, Part part, const Dataset& dataset, std::vector<ParameterEntry> heads);

  /// The last epoch with metrics; 0 if there is none.
  std::int64_t last_epoch() const { return metrics_file_.last_epoch(name_of(part_)); }
  /// Of epochs after `epoch` nothing is known any more.
  void keep_until(std::int64_t epoch);
  void start_epoch() { tracker_.start_epoch(); }
  void add_validation(const ValidationAnswers::Gathered& answers);
  /// description: of the model and its updates, for the summary.
  void write(const EpochMetrics& metrics, bool best, const TrainingSnapshot& snapshot,
             const Json& description, const TrainingProgress& progress);
  void note_early_stop();

 private:
  Json& summary();

  Run& run_;
  Part part_;
  MetricsFile metrics_file_;
  Tracker tracker_;
};

}  // namespace tern
