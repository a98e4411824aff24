// The epochs of a training. Its checkpoints and its resuming are in trainer_state.cpp.
#include "apps/train/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <optional>

#include "apps/common/console.h"
#include "apps/common/level_words.h"
#include "apps/common/non_finite.h"
#include "apps/common/progress.h"
#include "apps/common/runtime.h"
#include "apps/common/shell_word.h"
#include "apps/train/epoch_totals.h"
#include "apps/train/validation_answers.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/top1.h"
#include "models/ranks.h"

namespace tern {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The class of the largest logit of each row, [rows] i32; `probability`, if given, becomes its softmax
/// probability, [rows] f32.
Tensor answers_of(const Tensor& logits, Tensor* probability = nullptr) {
  Tensor answers = Tensor::empty({logits.size(0)}, DType::i32, logits.device());
  top1(logits, &answers, probability);
  return answers;
}

std::vector<Variable> trained_parameters(const Model& model) {
  std::vector<Variable> trained;
  for (const ParameterEntry& parameter : model.parameters()) {
    if (parameter.value.requires_grad()) trained.push_back(parameter.value);
  }
  return trained;
}

std::string text_of(Percent value) {
  return value ? fmt::format("{:.2f} %", *value) : "-";
}

/// How many images an epoch has taken, on all ranks, once this step is done.
std::int64_t images_after(std::int64_t step, std::int64_t batch_size, const BatchSource& batches) {
  return std::min((step + 1) * batch_size, batches.images());
}

}  // namespace

Trainer::Trainer(Run& run, Part part, const StudyData& data, const TrainerOptions& options)
    : run_(run),
      config_(run.config),
      part_(part),
      dataset_(data.dataset),
      options_(options),
      ranks_(*options.ranks),
      model_(make_model(config_, part, data.dataset.classes, options.weights, options.device)),
      optimizer_(make_study_optimizer(config_, model_)),
      ema_(make_ema(config_, model_, options.device)),
      train_batches_(make_batches(data.dataset, data.split.train,
                                  on_rank(train_loader_options(config_, part, data, options.device), ranks_),
                                  options.device, options.resident)),
      validation_batches_(
          make_batches(data.dataset, data.split.validation,
                       on_rank(validation_loader_options(config_, data, options.device), ranks_),
                       options.device, options.resident)),
      train_step_(
          "training step", options.device, config_.batch_size,
          [this](const Batch& batch) { return forward_backward(batch); }, trained_parameters(model_),
          /*may_record=*/config_.accumulate == 1),
      validation_step_("validation step", options.device, config_.batch_size,
                       [this](const Batch& batch) { return score_batch(batch); }),
      results_(options.device),
      loss_options_(make_loss_options(config_, data.dataset.classes, options.device)),
      schedule_(make_schedule(config_, train_batches_->batches())) {
  for (const Level level : levels_of(part)) {
    novel_masks_.push_back(novel_mask(config_, data.dataset.classes, level, options.device));
  }
  if (ranks_.size() > 1) {
    buckets_ =
        std::make_unique<GradientBuckets>(ranks_, trained_parameters(model_), config_.bucket_mib << 20);
    if (config_.sync_batch_norm) model_.backbone().synchronise_batch_norm(ranks_);
  }
  if (ranks_.is_root()) {
    files_ = std::make_unique<EpochFiles>(run, part, data.dataset, model_.head_parameters());
    resume();
  }
  join_root();
  if (ranks_.size() > 1 && config_.shard_optimizer)
    shards_ = std::make_unique<OptimizerShards>(ranks_, *optimizer_);
}

void Trainer::train() {
  try {
    train_epochs();
  } catch (const RanksLost& lost) {
    throw RanksLost(fmt::format("{}; {}; go on with", lost.what(), kept_text()),
                    "tern train --resume --out " + shell_word(run_.folder().string()));
  }
}

void Trainer::train_epochs() {
  while (epochs_done_ < config_.epochs && !is_out_of_patience()) {
    EpochMetrics metrics;
    metrics.model = name_of(part_);
    metrics.epoch = epochs_done_ + 1;
    if (files_) files_->start_epoch();
    train_epoch(metrics);
    share_statistics(metrics.epoch);
    validate(metrics);
    metrics.score = score(metrics);
    finish_epoch(metrics);
    print_epoch(metrics, best_epoch_ == metrics.epoch);
  }
  if (epochs_done_ < config_.epochs) stop_early();
}

void Trainer::train_epoch(EpochMetrics& metrics) {
  Progress progress(fmt::format("{} epoch {}/{}", metrics.model, metrics.epoch, config_.epochs),
                    train_batches_->images(), "images");
  const Clock::time_point start = Clock::now();
  EpochTotals totals;
  Batch batch;
  const auto take = [&](const std::optional<StepResult>& result) {
    if (!result) return;
    check_finite(static_cast<double>(result->outputs.loss.item()),
                 fmt::format("step {} of epoch {}", result->step + 1, metrics.epoch));
    totals.add(part_, dataset_, *result);
    progress.update(images_after(result->step, config_.batch_size, *train_batches_),
                    fmt::format("loss {:.4f}", totals.loss(LossAverage::image)));
  };
  model_.set_training(true);
  if (ema_) ema_->model().set_training(true);
  train_batches_->start_epoch(static_cast<int>(metrics.epoch));
  for (;;) {
    const Clock::time_point asked = Clock::now();
    if (!train_batches_->next(batch)) break;
    metrics.loader_wait_seconds += seconds_since(asked);
    take(
        with_memory_advice(config_.batch_size, [&] { return results_.exchange(batch, train_batch(batch)); }));
    check_stop(fmt::format("after step {} of epoch {}", batch.step + 1, metrics.epoch));
  }
  take(results_.take_last());
  totals.add_over_ranks(ranks_);
  metrics.train_loss = totals.loss(config_.loss_average);
  for (const Level level : kLevels) {
    const NoveltyCounts& counts = totals.counts[level];
    metrics.train_accuracy[level] = config_.outlier_exposure > 0 ? counts.seen_accuracy() : counts.accuracy();
  }
  metrics.learning_rate = static_cast<double>(learning_rate_);
  metrics.seconds = seconds_since(start);
  metrics.images_per_second = static_cast<double>(totals.images) / metrics.seconds;
}

/// Finds loss and answers, and leaves the gradients in the parameters.
StepOutputs Trainer::forward_backward(const Batch& batch) {
  if (batches_waiting_ == 0) optimizer_->clear_gradients();
  const std::vector<Variable> logits = masked(model_.forward(Variable(batch.images)));
  const StudyLoss loss = study_loss(loss_inputs(logits, batch), loss_options_);
  // Every term is a mean over the images: that of the whole batch is the ranks' means, each times its share.
  Tensor share = Tensor::empty_like(loss.total.data());
  fill(batch.share, share);
  LeafReady leaf_ready;
  if (buckets_ && is_update_due(batch)) leaf_ready = [this](const Variable& leaf) { buckets_->take(leaf); };
  backward(loss.total, share, leaf_ready);
  StepOutputs outputs;
  outputs.loss = loss.total.data();
  for (const Variable& head : logits) outputs.answers.push_back(answers_of(head.data()));
  return outputs;
}

/// One batch forward and back, and an update where it is due.
StepOutputs Trainer::train_batch(const Batch& batch) {
  StepOutputs outputs = train_step_(batch);
  model_.count_batch();
  const bool due = is_update_due(batch);
  ++batches_waiting_;
  if (due) update();
  return outputs;
}

bool Trainer::is_update_due(const Batch& batch) const {
  const bool last = batch.step + 1 == train_batches_->batches();
  return last || batches_waiting_ + 1 == config_.accumulate;
}

void Trainer::update() {
  if (buckets_) buckets_->finish();
  StepOptions step;
  step.learning_rate = base_learning_rate(config_) * schedule_factor(schedule_, updates_done_);
  step.clip_norm = static_cast<float>(config_.clip_norm);
  step.accumulated = batches_waiting_;
  optimizer_->step(step);
  if (shards_) shards_->share_parameters();
  learning_rate_ = step.learning_rate;
  batches_waiting_ = 0;
  ++updates_done_;
  if (ema_) ema_->update(updates_done_);
}

/// Where each rank has followed its own images, the root's running statistics are the model's, as with PyTorch's
/// DistributedDataParallel. Everything else is the same on all ranks already, or something is wrong.
void Trainer::share_statistics(std::int64_t epoch) {
  check_same_parameters(ranks_, model_, fmt::format("after epoch {}", epoch));
  broadcast_buffers(ranks_, model_);
  if (ema_) broadcast_buffers(ranks_, ema_->model());
}

/// Finds everything but features.
StepOutputs Trainer::score_batch(const Batch& batch) {
  StepOutputs outputs;
  outputs.logits = validated_model().inference(batch.images);
  const std::vector<Variable> logits = masked({outputs.logits.begin(), outputs.logits.end()});
  outputs.loss = study_loss(loss_inputs(logits, batch), loss_options_).total.data();
  for (const Variable& head : logits) {
    outputs.probabilities.push_back(Tensor::empty({head.data().size(0)}, DType::f32, head.data().device()));
    outputs.answers.push_back(answers_of(head.data(), &outputs.probabilities.back()));
  }
  return outputs;
}

void Trainer::validate(EpochMetrics& metrics) {
  const Clock::time_point start = Clock::now();
  const NoGrad no_grad;
  EpochTotals totals;
  ValidationAnswers answers;
  Batch batch;
  validated_model().set_training(false);
  validation_batches_->start_epoch(0);
  const auto take = [&](const std::optional<StepResult>& result) {
    if (!result) return;
    check_logits(*result, metrics.epoch);
    totals.add(part_, dataset_, *result);
    answers.add(*result);
  };
  while (validation_batches_->next(batch)) {
    take(with_memory_advice(config_.batch_size,
                            [&] { return results_.exchange(batch, validation_step_(batch)); }));
    check_stop(fmt::format("in the validation after epoch {}", metrics.epoch));
  }
  take(results_.take_last());
  totals.add_over_ranks(ranks_);
  const ValidationAnswers::Gathered gathered = answers.gather(ranks_);
  if (files_) files_->add_validation(gathered);
  metrics.validation_loss = totals.loss(config_.loss_average);
  metrics.validation = totals.counts;
  metrics.validation_seconds = seconds_since(start);
  check_finite(metrics.validation_loss, fmt::format("the validation after epoch {}", metrics.epoch));
}

std::vector<Variable> Trainer::masked(std::vector<Variable> logits) const {
  for (std::size_t head = 0; head < logits.size(); ++head) {
    if (novel_masks_[head].defined()) logits[head] = logits[head] + Variable(novel_masks_[head]);
  }
  return logits;
}

StudyLossInputs Trainer::loss_inputs(const std::vector<Variable>& logits, const Batch& batch) const {
  StudyLossInputs inputs;
  if (has_level(part_, Level::super)) inputs.super_logits = logits.front();
  if (has_level(part_, Level::sub)) inputs.sub_logits = logits.back();
  inputs.superclasses = batch.targets.super;
  inputs.subclasses = batch.targets.sub;
  // The reference's validation loss leaves the teacher out; so that the two are comparable, so does this one.
  if (options_.teacher && grad_enabled()) {
    inputs.teacher_super_logits = options_.teacher->inference(batch.images).front();
  }
  return inputs;
}

void Trainer::check_finite(double loss, const std::string& where) const {
  if (std::isfinite(loss)) return;
  throw Error(
      fmt::format("loss of the {} model in {}", name_of(part_), where), "a finite number",
      fmt::format("{}; {}", std::isnan(loss) ? "NaN" : fmt::format("{}", loss), advice_on_divergence()));
}

void Trainer::check_logits(const StepResult& result, std::int64_t epoch) const {
  for (const Tensor& logits : result.outputs.logits) {
    const std::optional<NonFinite> found = find_non_finite(logits);
    if (!found) continue;
    const std::int64_t image = result.images[static_cast<std::size_t>(found->row)];
    throw Error(fmt::format("logits of the {} model in the validation after epoch {}", name_of(part_), epoch),
                "finite numbers",
                fmt::format("{} for {}; {}", found->what, dataset_.names[static_cast<std::size_t>(image)],
                            advice_on_divergence()));
  }
}

std::string Trainer::kept_text() const {
  return epochs_done_ > 0 ? fmt::format("the checkpoints are those of epoch {}", epochs_done_)
                          : "there is no checkpoint yet";
}

std::string Trainer::advice_on_divergence() const {
  return fmt::format("{} (a lower learning_rate or a clip_norm may help)", kept_text());
}

void Trainer::check_stop(const std::string& where) const {
  if (!ranks_.any(StopRequest::arrived())) return;
  throw Stopped(fmt::format("stopped {} ({} model)", where, name_of(part_)),
                fmt::format("go on with: tern train --resume --out {}", shell_word(run_.folder().string())),
                StopRequest::arrived() ? StopRequest::signal() : SIGTERM);  // which mpirun sends to all ranks
}

bool Trainer::is_out_of_patience() const {
  return config_.patience > 0 && epochs_done_ - best_epoch_ >= config_.patience;
}

void Trainer::stop_early() {
  if (files_) files_->note_early_stop();
  remark("{}: stops after epoch {} of {}: no better score since epoch {} (patience = {})\n", name_of(part_),
         epochs_done_, config_.epochs, best_epoch_, config_.patience);
}

Percent Trainer::score(const EpochMetrics& metrics) const {
  const auto of = [this](const NoveltyCounts& counts) {
    const Percent seen = counts.seen_accuracy();
    return config_.metric_counts_extra || !seen ? counts.accuracy() : seen;
  };
  if (part_ == Part::super) return of(metrics.validation.super);
  if (part_ == Part::sub) return of(metrics.validation.sub);
  const Percent super = of(metrics.validation.super), sub = of(metrics.validation.sub);
  // Of classes without superclasses, and without images of none of them, the other level says nothing.
  if (dataset_.classes.has_one_level() && !metrics.validation.super.novel_accuracy()) return sub;
  return super && sub ? Percent((*super + *sub) / 2) : std::nullopt;
}

void Trainer::print_epoch(const EpochMetrics& metrics, bool best) const {
  std::string line = fmt::format("{} epoch {}/{}  loss {:.4f}  val loss {:.4f}", metrics.model, metrics.epoch,
                                 config_.epochs, metrics.train_loss, metrics.validation_loss);
  const bool one_level = dataset_.classes.has_one_level();
  for (const Level level : levels_of(part_)) {
    const NoveltyCounts& counts = metrics.validation[level];
    if (one_level && level == Level::super && !counts.novel_accuracy()) continue;  // all are of any class
    line += fmt::format("  val {} {} (seen {})", level_word(level, one_level), text_of(counts.accuracy()),
                        text_of(counts.seen_accuracy()));
  }
  line += fmt::format("  {:.1f} images/s  waited {:.2f} s for images  {:.1f} s + {:.1f} s{}",
                      metrics.images_per_second, metrics.loader_wait_seconds, metrics.seconds,
                      metrics.validation_seconds, best ? "  best" : "");
  remark("{}\n", line);
}

}  // namespace tern
