#include "apps/measure/answers.h"

#include <span>

#include "engine/core/check.h"

namespace tern {

Decision resolve_decision(const Config& config, const DecisionOptions& options) {
  return {{options.tau.super.value_or(config.tau_super), options.tau.sub.value_or(config.tau_sub)},
          options.mask_untrained.value_or(config.mask_untrained_logits),
          options.consistent};
}

Answers answer_level(const Run& run, const Decision& decision, Level level,
                     const std::vector<float>& logits) {
  const std::vector<std::uint8_t> trained = run.trained(level);
  const auto allowed =
      decision.mask_untrained ? std::span<const std::uint8_t>(trained) : std::span<const std::uint8_t>();
  const auto classes = static_cast<std::int32_t>(trained.size());
  Answers answers;
  answers.most_probable = most_probable(logits, classes, allowed);
  answers.classes = threshold(answers.most_probable, decision.tau[level], classes - 1);
  return answers;
}

Answers answer_sub_within(const Run& run, const Decision& decision, const std::vector<float>& logits,
                          const Answers& super) {
  const ClassTable classes = run.classes();
  const std::vector<std::uint8_t> trained = run.trained(Level::sub);
  const auto allowed =
      decision.mask_untrained ? std::span<const std::uint8_t>(trained) : std::span<const std::uint8_t>();
  // The novel subclass lies in every known superclass, and is all that lies in the novel one.
  std::vector<std::int32_t> group_of_class = classes.subclass_to_super;
  group_of_class[static_cast<std::size_t>(classes.novel_subclass())] = kEveryGroup;
  Answers answers;
  answers.most_probable =
      most_probable_within(logits, classes.subclass_count(), allowed, group_of_class, super.classes);
  answers.classes = threshold(answers.most_probable, decision.tau.sub, classes.novel_subclass());
  for (std::size_t i = 0; i < answers.classes.size(); ++i) {
    if (super.classes[i] == classes.novel_superclass()) answers.classes[i] = classes.novel_subclass();
  }
  return answers;
}

ByLevel<Answers> answer_levels(const Run& run, const Decision& decision, const Scores& scores) {
  ByLevel<Answers> answers;
  if (!scores.logits.super.empty())
    answers.super = answer_level(run, decision, Level::super, scores.logits.super);
  if (scores.logits.sub.empty()) return answers;
  if (!decision.consistent) {
    answers.sub = answer_level(run, decision, Level::sub, scores.logits.sub);
  } else if (scores.logits.super.empty()) {
    throw Error(run.folder().string() + " --consistent", "models of both levels", "only the subclass model");
  } else {
    answers.sub = answer_sub_within(run, decision, scores.logits.sub, answers.super);
  }
  return answers;
}

}  // namespace tern
