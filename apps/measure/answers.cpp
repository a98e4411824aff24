#include "apps/measure/answers.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/core/check.h"
#include "models/hierarchical_decision.h"

namespace tern {
namespace {

/// `confidences`: empty for the probabilities themselves.
Answers at_tau(MostProbable rows, const std::vector<float>& confidences, const Decision& decision,
               Level level, std::int32_t novel) {
  const std::vector<double>& class_taus = decision.class_taus[level];
  Answers answers;
  answers.confidences = confidences.empty() ? rows.probabilities : confidences;
  answers.classes = threshold({rows.classes, answers.confidences}, decision.tau[level], novel);
  for (std::size_t i = 0; !class_taus.empty() && i < answers.classes.size(); ++i) {
    const std::int32_t likely = rows.classes[i];
    const double tau = class_taus[static_cast<std::size_t>(likely)];
    answers.classes[i] = answers.confidences[i] >= static_cast<float>(tau) ? likely : novel;
  }
  answers.most_probable = std::move(rows);
  return answers;
}

/// 1 for the classes that may be answered and are not the novel one.
std::vector<std::uint8_t> known_classes(const Run& run, const Decision& decision, Level level) {
  std::vector<std::uint8_t> known = allowed_classes(run, decision.mask_untrained, level);
  known.back() = 0;
  return known;
}

/// P(novel) of each image at a level; one whose most probable class is the novel one has no confidence.
std::vector<double> novel_probabilities(const Answers& answers, const NoveltyCalibration& calibration,
                                        std::int32_t novel) {
  std::vector<double> probabilities;
  for (std::size_t i = 0; i < answers.confidences.size(); ++i) {
    const double confidence = answers.most_probable.classes[i] == novel ? 0 : answers.confidences[i];
    probabilities.push_back(calibration.probability(novelty_of_confidence(confidence)));
  }
  return probabilities;
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
  return at_tau(most_probable(scores.logits[level], classes, allowed), scores.confidences[level], decision,
                level, classes - 1);
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
                           scores.confidences.sub, decision, Level::sub, classes.novel_subclass());
  for (std::size_t i = 0; i < answers.classes.size(); ++i) {
    if (super.classes[i] == classes.novel_superclass()) answers.classes[i] = classes.novel_subclass();
  }
  return answers;
}

double novelty_of_confidence(double confidence) {
  constexpr double kLimit = 20;
  if (!(confidence > 0)) return kLimit;
  return std::clamp(std::log((1 - confidence) / confidence), -kLimit, kLimit);
}

ByLevel<Answers> answer_jointly(const Run& run, const Decision& decision, const Scores& scores) {
  const ClassTable classes = run.classes();
  ByLevel<Answers> answers;
  ByLevel<std::vector<std::uint8_t>> known;
  ByLevel<std::vector<double>> novel;
  for (const Level level : kLevels) {
    answers[level] = answer_level(run, decision, level, scores);
    known[level] = known_classes(run, decision, level);
    novel[level] = novel_probabilities(answers[level], (*decision.joint)[level], classes.novel(level));
  }
  const NodeDistribution nodes = node_distribution({{scores.logits.super, classes.superclass_count()},
                                                    known.super,
                                                    {{scores.logits.sub, classes.subclass_count()},
                                                     known.sub,
                                                     classes.subclass_to_super,
                                                     classes.superclass_count()},
                                                    novel.super,
                                                    novel.sub});
  const HierarchicalAnswers decided = decide(nodes);
  const auto take = [&](Level level, const std::vector<std::int32_t>& chosen,
                        const std::vector<double>& right) {
    for (std::size_t i = 0; i < chosen.size(); ++i) {
      answers[level].classes[i] = chosen[i] == HierarchicalAnswers::kNovel ? classes.novel(level) : chosen[i];
      answers[level].confidences[i] = static_cast<float>(right[i]);
    }
  };
  take(Level::super, decided.groups, decided.group_accuracy);
  take(Level::sub, decided.classes, decided.class_accuracy);
  return answers;
}

ByLevel<Answers> answer_levels(const Run& run, const Decision& decision, const Scores& scores) {
  if (decision.joint && !scores.logits.super.empty() && !scores.logits.sub.empty()) {
    return answer_jointly(run, decision, scores);
  }
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
