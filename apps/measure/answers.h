// The answers that thresholds make of logits: the most probable class, or "novel" where the confidence is below tau. The
// confidence is the largest probability, or what a calibrated novelty score says (novelty_confidence.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/measure/study_models.h"
#include "engine/metrics/confidence.h"
#include "models/novelty_calibration.h"

namespace tern {

/// For both levels at once: what makes a probability of being novel of novelty_of_confidence(). At the superclass level
/// of being of a novel superclass, at the other of being of a novel subclass of a known superclass.
using JointCalibration = ByLevel<NoveltyCalibration>;

/// Which answers are novel, and which classes may be answered.
struct Decision {
  ByLevel<double> tau{0.99, 0.85};
  bool mask_untrained = true;
  bool consistent = false;                       ///< subclass answers follow the superclass answers
  ByLevel<std::vector<double>> class_taus = {};  ///< by class, in place of tau; empty: none
  /// The answers of both levels are those of most expected accuracy (models/hierarchical_decision.h), not by tau.
  std::optional<JointCalibration> joint = std::nullopt;
};

/// log((1 - confidence) / confidence), within +-20: for the confidences of a novelty score its standardised value.
double novelty_of_confidence(double confidence);

/// What the command line changes of a run's own settings.
struct DecisionOptions {
  ByLevel<std::optional<double>> tau;
  std::optional<bool> mask_untrained;
  bool consistent = false;
  /// For the taus not given here: rules' names in RUN/calibration.json (level_texts.h).
  std::vector<std::string> tau_rules = {};
  bool joint = false;                    ///< by the probabilities in RUN/calibration.json
  std::vector<std::string> scores = {};  ///< of --score (score_choice.h); empty: as calibrated
};
Decision resolve_decision(const Config& config, const DecisionOptions& options);

/// 1 for each class that may be answered.
std::vector<std::uint8_t> allowed_classes(const Run& run, bool mask_untrained, Level level);

/// The answers of one level, by image.
struct Answers {
  MostProbable most_probable;
  std::vector<float> confidences;     ///< what tau is held against: of the scores, or the largest probability
  std::vector<std::int32_t> classes;  ///< after the threshold
};

/// The scores' logits of the level are not empty unless there are no images.
Answers answer_level(const Run& run, const Decision& decision, Level level, const Scores& scores);

/// Subclass answers that agree with the superclass answers of the same images: novel where the superclass is,
/// else the most probable subclass of that superclass or novel. A probability stays what it is among all
/// subclasses, so that one at odds with its superclass falls under the threshold.
Answers answer_sub_within(const Run& run, const Decision& decision, const Scores& scores,
                          const Answers& super);

/// Both levels at once, by decision.joint: a class, a novel subclass of a superclass, or a novel superclass. The
/// confidences are the probabilities of being right.
ByLevel<Answers> answer_jointly(const Run& run, const Decision& decision, const Scores& scores);

/// Both levels as the decision has it; a level without a model is empty. Throws Error{run folder, ...} if
/// consistent or joint answers are asked of one level alone.
ByLevel<Answers> answer_levels(const Run& run, const Decision& decision, const Scores& scores);

}  // namespace tern
