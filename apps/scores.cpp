#include "apps/scores.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "apps/progress.h"
#include "apps/runtime.h"
#include "apps/training_setup.h"
#include "data/loader.h"
#include "engine/core/check.h"
#include "models/checkpoint.h"

namespace tern {
namespace {

Model load_best(const Run& run, Part part, const ClassTable& classes, Device device) {
  const std::filesystem::path file = run.best_model(part);
  if (!std::filesystem::exists(file)) {
    throw Error(file.string(), "a checkpoint (made after the first epoch of tern train)", "none");
  }
  LoadedModel loaded = load_model(file, device);
  const ModelSpec wanted = model_spec(run.config, part, classes);
  const std::vector<HeadSpec>& heads = loaded.model.spec().heads;
  const bool same = std::equal(
      heads.begin(), heads.end(), wanted.heads.begin(), wanted.heads.end(),
      [](const HeadSpec& a, const HeadSpec& b) { return a.name == b.name && a.classes == b.classes; });
  if (!same) throw Error(file.string(), "the heads that the run's summary.json describes", "others");
  return std::move(loaded.model);
}

void append(std::vector<float>& to, const Tensor& logits) {
  const std::vector<float> values = logits.to_vector<float>();
  to.insert(to.end(), values.begin(), values.end());
}

Answers answer(const std::vector<float>& logits, const std::vector<std::uint8_t>& trained, bool mask,
               double tau) {
  const auto classes = static_cast<std::int32_t>(trained.size());
  Answers answers;
  answers.most_probable = most_probable(
      logits, classes, mask ? std::span<const std::uint8_t>(trained) : std::span<const std::uint8_t>());
  answers.classes = threshold(answers.most_probable, tau, classes - 1);
  return answers;
}

}  // namespace

StudyModels::StudyModels(const Run& run, Device device) : config_(run.config), device_(device) {
  const ClassTable classes = run.classes();
  for (const Part part : parts_of(config_)) {
    members_.push_back({part, load_best(run, part, classes, device)});
    Model& model = members_.back().model;
    model.set_training(false);
    // A run of a GPU's precision can be evaluated anywhere.
    if (has_precision(device, config_.precision)) model.set_precision(config_.precision);
  }
}

bool StudyModels::has_level(bool (*level)(Part)) const {
  return std::any_of(members_.begin(), members_.end(),
                     [&](const Member& member) { return level(member.part); });
}

Scores StudyModels::score(const Dataset& dataset, const std::vector<std::int64_t>& indices,
                          const char* label) {
  Loader loader(dataset, indices, evaluation_loader_options(config_, device_));
  Progress progress(label, loader.images(), "images");
  Scores scores;
  std::int64_t done = 0;
  for (const Batch& batch : loader.epoch(0)) {
    const Tensor images = batch.images.to(device_);
    for (Member& member : members_) {
      const std::vector<Tensor> logits =
          with_memory_advice(config_.batch_size, [&] { return member.model.inference(images); });
      if (tern::has_super(member.part)) append(scores.super_logits, logits.front());
      if (tern::has_sub(member.part)) append(scores.sub_logits, logits.back());
    }
    progress.update(done += batch.size());
  }
  return scores;
}

Decision resolve_decision(const Config& config, const DecisionOptions& options) {
  return {options.tau_super.value_or(config.tau_super), options.tau_sub.value_or(config.tau_sub),
          options.mask_untrained.value_or(config.mask_untrained_logits)};
}

Answers answer_super(const Run& run, const Decision& decision, const std::vector<float>& logits) {
  return answer(logits, run.trained_superclasses(), decision.mask_untrained, decision.tau_super);
}

Answers answer_sub(const Run& run, const Decision& decision, const std::vector<float>& logits) {
  return answer(logits, run.trained_subclasses(), decision.mask_untrained, decision.tau_sub);
}

}  // namespace tern
