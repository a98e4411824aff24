#include "apps/measure/answers.h"

#include <algorithm>
#include <utility>

#include "engine/core/check.h"

namespace tern {
namespace {

/// `confidences`: empty for the probabilities themselves.
Answers at_tau(MostProbable rows, const std::vector<float>& confidences, double tau, std::int32_t novel) {
  Answers answers;
  answers.confidences = confidences.empty() ? rows.probabilities : confidences;
  answers.classes = threshold({rows.classes, answers.confidences}, tau, novel);
  answers.most_probable = std::move(rows);
  return answers;
}

}  // namespace

Decision resolve_decision(const Config& config, const DecisionOptions& options) {
  return {{options.tau.super.value_or(config.tau_super), options.tau.sub.value_or(config.tau_sub)},
          options.mask_untrained.value_or(config.mask_untrained_logits),
          options.consistent};
}

std::vector<std::uint8_t> allowed_classes(const Run& run, bool mask_untrained, Level level) {
  std::vector<std::uint8_t> trained = run.trained(level);
  if (!mask_untrained) std::fill(trained.begin(), trained.end(), std::uint8_t{1});
  return trained;
}

Answers answer_level(const Run& run, const Decision& decision, Level level, const Scores& scores) {
  const std::vector<std::uint8_t> allowed = allowed_classes(run, decision.mask_untrained, level);
  const auto classes = static_cast<std::int32_t>(allowed.size());
  return at_tau(most_probable(scores.logits[level], classes, allowed), scores.confidences[level],
                decision.tau[level], classes - 1);
}

Answers answer_sub_within(const Run& run, const Decision& decision, const Scores& scores,
                          const Answers& super) {
  const ClassTable classes = run.classes();
  const std::vector<std::uint8_t> allowed = allowed_classes(run, decision.mask_untrained, Level::sub);
  // The novel subclass lies in every known superclass, and is all that lies in the novel one.
  std::vector<std::int32_t> group_of_class = classes.subclass_to_super;
  group_of_class[static_cast<std::size_t>(classes.novel_subclass())] = kEveryGroup;
  Answers answers = at_tau(most_probable_within(scores.logits.sub, classes.subclass_count(), allowed,
                                                group_of_class, super.classes),
                           scores.confidences.sub, decision.tau.sub, classes.novel_subclass());
  for (std::size_t i = 0; i < answers.classes.size(); ++i) {
    if (super.classes[i] == classes.novel_superclass()) answers.classes[i] = classes.novel_subclass();
  }
  return answers;
}

ByLevel<Answers> answer_levels(const Run& run, const Decision& decision, const Scores& scores) {
  ByLevel<Answers> answers;
  if (!scores.logits.super.empty()) answers.super = answer_level(run, decision, Level::super, scores);
  if (scores.logits.sub.empty()) return answers;
  if (!decision.consistent) {
    answers.sub = answer_level(run, decision, Level::sub, scores);
  } else if (scores.logits.super.empty()) {
    throw Error(run.folder().string() + " --consistent", "models of both levels", "only the subclass model");
  } else {
    answers.sub = answer_sub_within(run, decision, scores, answers.super);
  }
  return answers;
}

}  // namespace tern
