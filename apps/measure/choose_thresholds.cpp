#include "apps/measure/choose_thresholds.h"

#include <fmt/format.h>

#include <utility>

#include "engine/core/check.h"
#include "engine/metrics/confidence.h"

namespace tern {
namespace {

/// The images of one kind.
struct ConfidenceGroup {
  std::string name;
  std::vector<float> confidences;     ///< 0 where the answer is novel whatever tau is
  std::vector<float> largest;         ///< probabilities, whatever the class: the reference's
  std::vector<std::uint8_t> correct;  ///< 1: the class is right
  std::vector<std::uint8_t> half;     ///< 1: for calibration, 0: for the test
};

ConfidenceGroup group_of(const char* name, const LevelGroups& level, ImageKind kind, std::uint64_t seed) {
  const LevelRows& rows = rows_of(level, kind);
  if (rows.count() == 0) return {name, {}, {}, {}, {}};
  // Masked logits have probability 0: nothing is left to mask.
  const MostProbable answers = most_probable(rows.logits, static_cast<std::int32_t>(rows.class_count));
  ConfidenceGroup group{
      name, {}, answers.probabilities, {}, calibration_half(level.level, kind, rows.count(), seed)};
  for (std::size_t i = 0; i < answers.classes.size(); ++i) {
    const float probability = answers.probabilities[i];
    if (!(probability >= 0)) {
      throw Error(fmt::format("{} level", name_of(level.level)), "numbers for logits",
                  fmt::format("NaN ({})", name));
    }
    const float confidence = rows.confidences.empty() ? probability : rows.confidences[i];
    group.confidences.push_back(answers.classes[i] == level.novel ? 0 : confidence);
    group.correct.push_back(answers.classes[i] == rows.labels[i]);
  }
  return group;
}

struct LevelConfidences {
  Level level = Level::super;
  ConfidenceGroup seen, near, far, far_held_out;

  LevelConfidences(const LevelGroups& groups, std::uint64_t seed) : level(groups.level) {
    seen = group_of("seen", groups, ImageKind::seen, seed);
    near = group_of("near", groups, ImageKind::near, seed);
    far = group_of("far", groups, ImageKind::far, seed);
    far_held_out = group_of("far_held_out", groups, ImageKind::far_held_out, seed);
  }
  /// What thresholds are calibrated with: images of kinds never trained on, if there are any.
  const ConfidenceGroup& novel() const {
    if (!near.confidences.empty()) return near;
    return far_held_out.confidences.empty() ? far : far_held_out;
  }
};

std::vector<float> half_of(const ConfidenceGroup& group, std::uint8_t which) {
  std::vector<float> values;
  for (std::size_t i = 0; i < group.half.size(); ++i) {
    if (group.half[i] == which) values.push_back(group.confidences[i]);
  }
  return values;
}

ConfidenceGroups half_of(const LevelConfidences& level, const ConfidenceGroup& novel, std::uint8_t which) {
  ConfidenceGroups groups{half_of(level.seen, which), {}, half_of(novel, which)};
  for (std::size_t i = 0; i < level.seen.half.size(); ++i) {
    if (level.seen.half[i] == which) groups.seen_correct.push_back(level.seen.correct[i]);
  }
  return groups;
}

HalfRates half_rates(const LevelConfidences& level, double tau, std::uint8_t which) {
  const ThresholdRates rates = rates_at(half_of(level, level.novel(), which), tau);
  const auto found = [&](const ConfidenceGroup& group) {
    return rates_at(half_of(level, group, which), tau).novel_found;
  };
  return {rates.seen_kept,  rates.seen_right,          found(level.near),
          found(level.far), found(level.far_held_out), rates.harmonic_mean};
}

/// What the reference looks at: all images, the largest probability of any class, CIFAR images among the seen
/// ones of the subclass level.
ReferenceThresholds reference_thresholds(const LevelConfidences& level) {
  ConfidenceGroups groups{level.seen.largest, {}, level.far.largest};
  if (level.level == Level::sub) {
    groups.seen.insert(groups.seen.end(), level.far.largest.begin(), level.far.largest.end());
    groups.novel = level.near.largest;
  }
  groups.seen_correct.resize(groups.seen.size(), 1);
  ReferenceThresholds reference{describe(groups.seen), std::nullopt, {}};
  if (!groups.novel.empty()) reference.novel = describe(groups.novel);
  for (ThresholdCandidate& candidate : threshold_candidates(groups)) {
    if (is_rule_of_reference(candidate.name, level.level))
      reference.candidates.push_back(std::move(candidate));
  }
  return reference;
}

void check_counts(const std::string& subject, const LevelConfidences& level) {
  if (level.seen.confidences.size() < 2) {
    throw Error(subject, "at least 2 validation images of known classes",
                std::to_string(level.seen.confidences.size()));
  }
  if (level.novel().confidences.size() == 1) {
    throw Error(subject, "at least 2 " + level.novel().name + " novel images, for two halves", "1");
  }
}

}  // namespace

bool is_rule_of_reference(std::string_view rule, Level level) {
  if (rule == "p10_seen" || rule == "mean_midpoint") return true;
  return level == Level::super && (rule == "p5_seen" || rule == "mean_minus_deviation");
}

LevelThresholds choose_thresholds(const std::string& subject, const LevelGroups& groups, std::uint64_t seed,
                                  double target_rate) {
  const LevelConfidences level(groups, seed);
  check_counts(subject, level);
  LevelThresholds chosen;
  chosen.level = level.level;
  for (const ConfidenceGroup* group : {&level.seen, &level.near, &level.far, &level.far_held_out}) {
    if (group->confidences.empty()) continue;
    chosen.groups.push_back({group->name, group->confidences, describe(group->confidences),
                             histogram(group->confidences, ConfidenceDistribution::kBins, 0, 1)});
  }
  chosen.calibrated_with = level.novel().confidences.empty() ? "seen images alone" : level.novel().name;
  for (const ThresholdCandidate& candidate :
       threshold_candidates(half_of(level, level.novel(), 1), target_rate)) {
    chosen.candidates.push_back(
        {candidate, half_rates(level, candidate.tau, 1), half_rates(level, candidate.tau, 0)});
  }
  chosen.reference = reference_thresholds(level);
  return chosen;
}

}  // namespace tern
