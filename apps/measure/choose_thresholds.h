// Where to put tau, below which an answer becomes "novel": the thresholds that each rule of
// engine/metrics/thresholds.h makes of a random half of a level's images, with their rates on both halves.
// Rules that need novel images take near ones, at the superclass level those held out, and far ones where
// there are no others.
//
// The confidence of an image is the largest probability, or what a novelty score says; 0 where the most probable class
// is the novel one: then no tau keeps it. The reference takes the largest probability whatever its class, on all images, and
// counts CIFAR images as seen where it looks at subclasses; its numbers stand beside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apps/measure/level_groups.h"
#include "apps/measure/test_mix.h"
#include "engine/metrics/distribution.h"
#include "engine/metrics/thresholds.h"
#include "models/novelty_calibration.h"

namespace tern {

struct ConfidenceDistribution {
  static constexpr int kBins = 30;  ///< the reference's

  std::string name;                ///< "seen", or of novel_kinds()
  std::vector<float> confidences;  ///< by image
  Distribution distribution;
  std::vector<std::int64_t> histogram;  ///< images in each of kBins bins of [0, 1]
};

struct ThresholdOptions {
  std::uint64_t seed = 42;    ///< of the halves
  double target_rate = 0.95;  ///< of seen images to keep, and of novel ones to find
  /// Adds the rule best_expected_accuracy, of what is right in such a mix (engine/metrics/novelty_thresholds.h).
  std::optional<TestMix> mix = std::nullopt;
  /// A rule of which each class gets a tau of its own, as far as it has images; empty: none.
  std::string by_class = {};
};

/// The rule that every level has: it needs no novel images.
inline constexpr const char* kRuleOfSeen = "seen_target";

/// The names of every rule that may be asked for.
std::vector<std::string> calibration_rules();
/// Throws Error{option, ...} unless `texts` (level_texts.h) are of these.
void check_rules(const std::string& option, const std::vector<std::string>& texts, bool one_level = false);

/// Of one half, at one tau.
struct HalfRates {
  Percent seen_kept, seen_right;
  Percent near_found, far_found, far_held_out_found, made_found;
  Percent harmonic_mean;      ///< of seen_right and what is found of the images calibrated with
  Percent expected_accuracy;  ///< in the mix, if there is one
};

struct ChosenThreshold {
  ThresholdCandidate candidate;
  HalfRates calibration_half, test_half;
};

/// What the reference would print.
struct ReferenceThresholds {
  Distribution seen;
  std::optional<Distribution> novel;
  std::vector<ThresholdCandidate> candidates;
};

struct LevelThresholds {
  Level level = Level::super;
  std::vector<ConfidenceDistribution>
      groups;                               ///< seen, near, far, far_held_out, made: those that have images
  std::string calibrated_with;              ///< a group's name, or "seen images alone"
  std::vector<ChosenThreshold> candidates;  ///< a rule each, in the order of calibration_rules()
  std::vector<double> class_taus;           ///< by class, if asked for
  std::vector<float> held_out;  ///< confidences of the seen images, all of them: p-values are against these
  /// P(novel) given novelty_of_confidence(); none without novel images.
  std::optional<NoveltyCalibration> probability;
  ReferenceThresholds reference;
};

/// Whether the reference prints what this rule gives for this level.
bool is_rule_of_reference(std::string_view rule, Level level);

/// `subject`: for errors. Throws Error{subject, ...} for fewer than 2 seen images, or 1 novel one; Error for a logit
/// that is NaN; Error{"--per-class", ...} for a rule that has no form by class.
LevelThresholds choose_thresholds(const std::string& subject, const LevelGroups& groups,
                                  const ThresholdOptions& options);

}  // namespace tern
