// What a training keeps on the disk, and how it is taken up again.
//
// After an epoch, in this order: best model (if it is), last model, metrics.csv, TensorBoard's events
// (tracking.h), summary, training state. The state is one file with model, optimiser and progress, so that it
// cannot disagree with itself, and it is what resuming reads. After a crash anywhere in between, the epoch is
// made again with the same numbers, and the files before it are written again as they were.
#include <fmt/format.h>

#include <filesystem>

#include "apps/common/console.h"
#include "apps/train/trainer.h"
#include "engine/core/check.h"
#include "models/checkpoint.h"

namespace tern {
namespace {

/// A number as text that reads back as the very same number.
std::string exact(double value) {
  return fmt::format("{}", value);
}

double number_in(const Metadata& metadata, const std::string& key, const std::string& file) {
  const auto found = metadata.find(key);
  try {
    if (found != metadata.end()) return std::stod(found->second);
  } catch (const std::exception&) {
  }
  throw Error(file + " " + key, "a number", found == metadata.end() ? "none" : found->second.substr(0, 40));
}

}  // namespace

void Trainer::resume() {
  const std::filesystem::path file = run_.training_state(part_);
  if (!std::filesystem::exists(file)) {
    // Who was killed between an epoch's metrics and its state lacks one epoch, and who removed the checkpoints wants them anew. Whoever
    // lacks more of a model that is there has lost the state.
    const std::int64_t done = metrics_file_.last_epoch(name_of(part_));
    if (done > 1 && std::filesystem::exists(run_.best_model(part_)))
      throw Error(file.string(), fmt::format("the state of the training's {} epochs, to go on from", done),
                  "none");
    keep_until(0);
    return;
  }
  const TrainingProgress progress =
      load_training_state(file, model_, *optimizer_, ema_ ? &ema_->model() : nullptr);
  epochs_done_ = progress.epoch;
  updates_done_ = progress.global_step;
  best_score_ = number_in(progress.extra, "best_score_percent", file.string());
  best_loss_ = number_in(progress.extra, "best_loss", file.string());
  const double best_epoch = number_in(progress.extra, "best_epoch", file.string());
  if (!(best_epoch >= 0 && best_epoch <= static_cast<double>(epochs_done_))) {
    throw Error(file.string() + " best_epoch", fmt::format("one of the {} that are done", epochs_done_),
                exact(best_epoch));
  }
  best_epoch_ = static_cast<std::int64_t>(best_epoch);
  if (!std::filesystem::exists(run_.best_model(part_))) {
    throw Error(
        run_.best_model(part_).string(),
        fmt::format("the best model so far, of epoch {}, beside {}", best_epoch_, file.filename().string()),
        "none");
  }
  keep_until(epochs_done_);
  if (is_out_of_patience()) return;
  remark("{}: goes on after epoch {} of {}\n", name_of(part_), epochs_done_, config_.epochs);
}

/// Of epochs after `epoch` nothing is known any more.
void Trainer::keep_until(std::int64_t epoch) {
  metrics_file_.keep_until(name_of(part_), epoch);
  tracker_.keep_until(epoch);
}

bool Trainer::is_best(const EpochMetrics& metrics) const {
  const double score = metrics.score.value_or(0);
  if (best_epoch_ == 0 || score > best_score_) return true;
  return config_.best_ties == BestTies::lower_loss && score == best_score_ &&
         metrics.validation_loss < best_loss_;
}

/// What would not be loaded again is not written over what would. ReLU may hide NaN from the loss, and an
/// infinite variance turns into zeros.
void Trainer::check_finite(const TrainingSnapshot& snapshot, std::int64_t epoch) const {
  const std::string non_finite = snapshot.non_finite_text();
  if (non_finite.empty()) return;
  throw Error(fmt::format("the {} model after epoch {}", name_of(part_), epoch), "finite numbers",
              fmt::format("{}; {}", non_finite, advice_on_divergence()));
}

void Trainer::finish_epoch(const EpochMetrics& metrics) {
  const TrainingSnapshot snapshot(model_, *optimizer_, ema_ ? &ema_->model() : nullptr);
  check_finite(snapshot, metrics.epoch);
  const Metadata metadata = checkpoint_metadata(metrics);
  const bool best = is_best(metrics);
  if (best) {
    best_epoch_ = metrics.epoch;
    best_score_ = metrics.score.value_or(0);
    best_loss_ = metrics.validation_loss;
    snapshot.save_model(run_.best_model(part_), metadata);
  }
  snapshot.save_model(run_.last_model(part_), metadata);
  metrics_file_.append(metrics);
  tracker_.write(metrics, best);
  describe(metrics, best);
  epochs_done_ = metrics.epoch;
  save_state(snapshot);
}

void Trainer::save_state(const TrainingSnapshot& snapshot) const {
  TrainingProgress progress;
  progress.epoch = epochs_done_;
  progress.global_step = updates_done_;
  progress.extra = {{"best_score_percent", exact(best_score_)},
                    {"best_loss", exact(best_loss_)},
                    {"best_epoch", fmt::format("{}", best_epoch_)}};
  snapshot.save_state(run_.training_state(part_), progress);
}

Metadata Trainer::checkpoint_metadata(const EpochMetrics& metrics) const {
  return {{"part", name_of(part_)}, {"epoch", fmt::format("{}", metrics.epoch)}};
}

void Trainer::describe(const EpochMetrics& metrics, bool best) {
  Json& summary = run_.summary["models"][name_of(part_)];
  std::int64_t trained = 0;
  for (const ParameterEntry& entry : model_.parameters()) {
    if (entry.value.requires_grad()) trained += entry.value.data().numel();
  }
  summary["parameters"] = parameter_count(model_);
  summary["trained_parameters"] = trained;
  summary["updates"] = updates_done_;
  summary["last"] = to_json(metrics);
  if (best) summary["best"] = to_json(metrics);
  run_.save_summary();
}

}  // namespace tern
