// Trains one network of a run: epochs of steps, validation, checkpoints. What a training computes depends on
// settings and data alone, so that a resumed run ends where an uninterrupted one would.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "apps/common/recorded_step.h"
#include "apps/common/step_results.h"
#include "apps/run/run_folder.h"
#include "apps/run/study_data.h"
#include "apps/train/ema.h"
#include "apps/train/epoch_metrics.h"
#include "apps/train/tracking.h"
#include "apps/train/training_setup.h"
#include "models/checkpoint.h"

namespace tern {

struct TrainerOptions {
  WeightSource weights;  ///< of the backbone; empty: random initialisation
  Device device;
  Tensor resident;           ///< the dataset's images on the device (data/device_loader.h), or undefined
  Model* teacher = nullptr;  ///< a trained superclass model, for the subclass model's consistency term
};

class Trainer {
 public:
  /// Builds the model and the optimiser, and takes up the run's training state if there is one. `run`, `data`
  /// and the teacher must outlive the trainer.
  Trainer(Run& run, Part part, const StudyData& data, const TrainerOptions& options);

  /// Trains the epochs that are left, each followed by validation, checkpoints, metrics.csv, summary.json and
  /// TensorBoard's events, or until `patience` epochs in a row brought no better score. Throws Error where a loss, a weight or the optimiser's state is no finite number,
  /// and when asked to stop (StopRequest); the checkpoints are then those of the last whole epoch.
  void train();

  std::int64_t epochs_done() const { return epochs_done_; }
  /// True once both the training step and the validation step are replayed.
  bool is_recorded() const { return train_step_.is_recorded() && validation_step_.is_recorded(); }

 private:
  struct Totals;

  // trainer.cpp
  void train_epoch(EpochMetrics& metrics);
  StepOutputs forward_backward(const Batch& batch);
  StepOutputs train_batch(const Batch& batch);
  void update();
  StepOutputs score_batch(const Batch& batch);
  void validate(EpochMetrics& metrics);
  StudyLossInputs loss_inputs(const std::vector<Variable>& logits, const Batch& batch) const;
  std::vector<Variable> masked(std::vector<Variable> logits) const;
  Model& validated_model() { return ema_ ? ema_->model() : model_; }
  void check_finite(double loss, const std::string& where) const;
  void check_logits(const StepResult& result, std::int64_t epoch) const;
  std::string advice_on_divergence() const;
  void check_stop(const std::string& where) const;
  void print_epoch(const EpochMetrics& metrics, bool best) const;
  bool is_out_of_patience() const;
  void stop_early();
  Percent score(const EpochMetrics& metrics) const;

  // trainer_state.cpp
  void resume();
  void keep_until(std::int64_t epoch);
  void check_finite(const TrainingSnapshot& snapshot, std::int64_t epoch) const;
  void finish_epoch(const EpochMetrics& metrics);
  bool is_best(const EpochMetrics& metrics) const;
  void save_state(const TrainingSnapshot& snapshot) const;
  Metadata checkpoint_metadata(const EpochMetrics& metrics) const;
  void describe(const EpochMetrics& metrics, bool best);

  Run& run_;
  const Config& config_;
  Part part_;
  const Dataset& dataset_;
  TrainerOptions options_;

  Model model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<ModelEma> ema_;  ///< with ema_decay
  std::unique_ptr<BatchSource> train_batches_, validation_batches_;
  RecordedStep train_step_, validation_step_;
  StepResults results_;
  MetricsFile metrics_file_;
  Tracker tracker_;
  StudyLossOptions loss_options_;
  std::vector<Tensor> novel_masks_;  ///< of each head's logits; undefined: nothing is masked
  Schedule schedule_;

  std::int64_t epochs_done_ = 0;
  std::int64_t updates_done_ = 0;
  int batches_waiting_ = 0;  ///< whose gradients are summed and not yet applied
  float learning_rate_ = 0;  ///< of the last update
  std::int64_t best_epoch_ = 0;
  double best_score_ = 0, best_loss_ = 0;
};

}  // namespace tern
