// Trains one network of a run: epochs of steps, validation, checkpoints. What a training computes depends on
// settings and data alone, so that a resumed run ends where an uninterrupted one would.
//
// Several ranks train one network together: each does its share of every batch, the gradients are summed while the backward pass
// runs (engine/distributed/gradient_buckets.h), and every rank then makes the same update to the same weights. Losses and counts
// are added up at an epoch's end; the root alone has the run's files (epoch_files.h), and starts the others with its weights.
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
#include "apps/train/epoch_files.h"
#include "apps/train/epoch_metrics.h"
#include "apps/train/training_setup.h"
#include "engine/autograd/tape.h"
#include "engine/distributed/gradient_buckets.h"
#include "engine/distributed/world.h"
#include "engine/optim/optimizer_shards.h"
#include "models/checkpoint.h"

namespace tern {

struct TrainerOptions {
  WeightSource weights;  ///< of the backbone; empty: random initialisation
  Device device;
  Tensor resident;           ///< the dataset's images on the device (data/device_loader.h), or undefined
  Model* teacher = nullptr;  ///< a trained superclass model, for the subclass model's consistency term
  Communicator* ranks = &world();  ///< that train together
};

class Trainer {
 public:
  /// Builds the model and the optimiser, and takes up the run's training state if there is one: the root's, on all ranks. `run`,
  /// `data` and the teacher must outlive the trainer.
  Trainer(Run& run, Part part, const StudyData& data, const TrainerOptions& options);

  /// Trains the epochs that are left, each followed by validation, checkpoints, metrics.csv, summary.json and
  /// TensorBoard's events, or until `patience` epochs in a row brought no better score. Throws Error where a loss, a weight or the
  /// optimiser's state is no finite number, and when asked to stop (StopRequest); RanksLost and RankFailed where another rank
  /// ends. The checkpoints are then those of the last whole epoch.
  void train();

  std::int64_t epochs_done() const { return epochs_done_; }
  /// True once both the training step and the validation step are replayed.
  bool is_recorded() const { return train_step_.is_recorded() && validation_step_.is_recorded(); }

 private:
  // trainer.cpp
  void train_epochs();
  void train_epoch(EpochMetrics& metrics);
  StepOutputs forward_backward(const Batch& batch);
  StepOutputs train_batch(const Batch& batch);
  bool is_update_due(const Batch& batch) const;
  void update();
  void share_statistics(std::int64_t epoch);
  StepOutputs score_batch(const Batch& batch);
  void validate(EpochMetrics& metrics);
  StudyLossInputs loss_inputs(const std::vector<Variable>& logits, const Batch& batch) const;
  std::vector<Variable> masked(std::vector<Variable> logits) const;
  Model& validated_model() { return ema_ ? ema_->model() : model_; }
  void check_finite(double loss, const std::string& where) const;
  void check_logits(const StepResult& result, std::int64_t epoch) const;
  std::string kept_text() const;  ///< which checkpoints there are
  std::string advice_on_divergence() const;
  void check_stop(const std::string& where) const;
  void print_epoch(const EpochMetrics& metrics, bool best) const;
  bool is_out_of_patience() const;
  void stop_early();
  Percent score(const EpochMetrics& metrics) const;

  // trainer_state.cpp
  void resume();
  void join_root();
  void check_finite(const TrainingSnapshot& snapshot, std::int64_t epoch) const;
  void finish_epoch(const EpochMetrics& metrics);
  bool is_best(const EpochMetrics& metrics) const;
  TrainingProgress progress() const;
  Json description() const;

  Run& run_;
  const Config& config_;
  Part part_;
  const Dataset& dataset_;
  TrainerOptions options_;
  Communicator& ranks_;

  Model model_;
  std::unique_ptr<Optimizer> optimizer_;
  std::unique_ptr<ModelEma> ema_;  ///< with ema_decay
  std::unique_ptr<BatchSource> train_batches_, validation_batches_;
  RecordedStep train_step_, validation_step_;
  StepResults results_;
  std::unique_ptr<GradientBuckets> buckets_;  ///< of several ranks
  std::unique_ptr<OptimizerShards> shards_;   ///< with shard_optimizer
  std::unique_ptr<EpochFiles> files_;         ///< at the root
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
