// What a training keeps on the disk (epoch_files.h), and how it is taken up again.
#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>

#include "apps/common/console.h"
#include "apps/train/trainer.h"
#include "engine/core/check.h"
#include "models/checkpoint.h"
#include "models/ranks.h"

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
    const std::int64_t done = files_->last_epoch();
    if (done > 1 && std::filesystem::exists(run_.best_model(part_)))
      throw Error(file.string(), fmt::format("the state of the training's {} epochs, to go on from", done),
                  "none");
    files_->keep_until(0);
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
  files_->keep_until(epochs_done_);
  if (is_out_of_patience()) return;
  remark("{}: goes on after epoch {} of {}\n", name_of(part_), epochs_done_, config_.epochs);
}

/// All ranks begin with the root's weights, moments and progress.
void Trainer::join_root() {
  if (ranks_.size() == 1) return;
  const auto broadcast_values = [this](Tensor values) {
    ranks_.broadcast({static_cast<std::byte*>(values.raw()), values.bytes()});
  };
  broadcast_state(ranks_, model_);
  model_.forget_folded();
  if (ema_) {
    broadcast_state(ranks_, ema_->model());
    ema_->model().forget_folded();
  }
  for (const OptimizerTensor& entry : optimizer_->state()) broadcast_values(entry.value);
  double numbers[]{static_cast<double>(optimizer_->step_count()),
                   static_cast<double>(epochs_done_),
                   static_cast<double>(updates_done_),
                   static_cast<double>(best_epoch_),
                   best_score_,
                   best_loss_};
  ranks_.broadcast(std::as_writable_bytes(std::span(numbers)));
  optimizer_->set_step_count(static_cast<std::int64_t>(numbers[0]));
  epochs_done_ = static_cast<std::int64_t>(numbers[1]);
  updates_done_ = static_cast<std::int64_t>(numbers[2]);
  best_epoch_ = static_cast<std::int64_t>(numbers[3]);
  best_score_ = numbers[4];
  best_loss_ = numbers[5];
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
  const bool best = is_best(metrics);
  std::vector<OptimizerTensor> gathered;
  if (shards_) gathered = shards_->gather_state();
  std::optional<TrainingSnapshot> snapshot;
  if (files_) {
    snapshot.emplace(model_, *optimizer_, ema_ ? &ema_->model() : nullptr, shards_ ? &gathered : nullptr);
    check_finite(*snapshot, metrics.epoch);
  }
  if (best) {
    best_epoch_ = metrics.epoch;
    best_score_ = metrics.score.value_or(0);
    best_loss_ = metrics.validation_loss;
  }
  TrainingProgress after = progress();
  after.epoch = metrics.epoch;
  if (files_) files_->write(metrics, best, *snapshot, description(), after);
  epochs_done_ = metrics.epoch;
}

TrainingProgress Trainer::progress() const {
  TrainingProgress progress;
  progress.epoch = epochs_done_;
  progress.global_step = updates_done_;
  progress.extra = {{"best_score_percent", exact(best_score_)},
                    {"best_loss", exact(best_loss_)},
                    {"best_epoch", fmt::format("{}", best_epoch_)}};
  return progress;
}

Json Trainer::description() const {
  std::int64_t trained = 0;
  for (const ParameterEntry& entry : model_.parameters()) {
    if (entry.value.requires_grad()) trained += entry.value.data().numel();
  }
  return {
      {"parameters", parameter_count(model_)}, {"trained_parameters", trained}, {"updates", updates_done_}};
}

}  // namespace tern
