#include "apps/measure/choose_thresholds.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "apps/measure/level_texts.h"
#include "engine/core/check.h"
#include "engine/metrics/confidence.h"
#include "engine/metrics/novelty_thresholds.h"

namespace tern {
namespace {

constexpr const char* kBestExpectedAccuracy = "best_expected_accuracy";

/// The images of one kind.
struct ConfidenceGroup {
  std::string name;
  std::vector<float> confidences;     ///< 0 where the answer is novel whatever tau is
  std::vector<float> largest;         ///< probabilities, whatever the class: the reference's
  std::vector<std::uint8_t> correct;  ///< 1: the class is right
  std::vector<std::uint8_t> half;     ///< 1: for calibration, 0: for the test
  std::vector<std::int32_t> answers;  ///< the most probable classes
};

ConfidenceGroup group_of(const char* name, const LevelGroups& level, ImageKind kind, std::uint64_t seed) {
  const LevelRows& rows = rows_of(level, kind);
  if (rows.count() == 0) return {name, {}, {}, {}, {}, {}};
  // Masked logits have probability 0: nothing is left to mask.
  const MostProbable answers = most_probable(rows.logits, static_cast<std::int32_t>(rows.class_count));
  ConfidenceGroup group{
      name,           {}, answers.probabilities, {}, calibration_half(level.level, kind, rows.count(), seed),
      answers.classes};
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
  ConfidenceGroup seen, near, far, far_held_out, seen_near, made;

  LevelConfidences(const LevelGroups& groups, std::uint64_t seed) : level(groups.level) {
    seen = group_of("seen", groups, ImageKind::seen, seed);
    near = group_of("near", groups, ImageKind::near, seed);
    far = group_of("far", groups, ImageKind::far, seed);
    far_held_out = group_of("far_held_out", groups, ImageKind::far_held_out, seed);
    seen_near = group_of("seen_near", groups, ImageKind::seen_near, seed);
    made = group_of("made", groups, ImageKind::made, seed);
  }
  /// What thresholds are calibrated with: images of kinds never trained on, if there are any.
  const ConfidenceGroup& novel() const { return near.confidences.empty() ? novel_superclass() : near; }
  /// What stands for novel superclasses.
  const ConfidenceGroup& novel_superclass() const {
    if (!made.confidences.empty()) return made;
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

/// One half of each group with its share of the mix; without a mix those alone that thresholds are calibrated with.
struct MixedGroups {
  std::vector<NoveltyGroup> groups;
  std::vector<std::vector<std::int32_t>> answers;

  MixedGroups(const LevelConfidences& level, const std::optional<TestMix>& mix, std::uint8_t which) {
    const bool super = level.level == Level::super;
    add(level.seen, false, mix ? std::optional(mix->seen) : std::nullopt, which);
    if (!mix) {
      add(level.novel(), true, std::nullopt, which);
      return;
    }
    add(super ? level.seen_near : level.near, !super, mix->novel_subclass, which);
    add(level.novel_superclass(), true, mix->novel_superclass, which);
  }

  void add(const ConfidenceGroup& group, bool is_novel, std::optional<double> weight, std::uint8_t which) {
    NoveltyGroup added{is_novel, {}, {}, weight};
    std::vector<std::int32_t>& classes = answers.emplace_back();
    for (std::size_t i = 0; i < group.half.size(); ++i) {
      if (group.half[i] != which) continue;
      added.scores.push_back(-static_cast<double>(group.confidences[i]));
      if (!is_novel) added.correct.push_back(group.correct[i]);
      classes.push_back(group.answers[i]);
    }
    groups.push_back(std::move(added));
  }
};

/// Novel where -confidence > threshold.
double tau_of(double threshold) {
  return std::clamp(-threshold, 0.0, 1.0);
}

HalfRates half_rates(const LevelConfidences& level, double tau, std::uint8_t which,
                     const std::optional<TestMix>& mix) {
  const ThresholdRates rates = rates_at(half_of(level, level.novel(), which), tau);
  const auto found = [&](const ConfidenceGroup& group) {
    return rates_at(half_of(level, group, which), tau).novel_found;
  };
  Percent expected;
  if (mix && rates.seen_kept) {
    expected = NoveltyThresholds(MixedGroups(level, mix, which).groups).rates_at(-tau).expected_accuracy;
  }
  return {rates.seen_kept,           rates.seen_right,  found(level.near),   found(level.far),
          found(level.far_held_out), found(level.made), rates.harmonic_mean, expected};
}

/// The rule for the images of a class; see engine/metrics/thresholds.h for the names.
ThresholdRule rule_by_class(const std::string& name, double target_rate) {
  using Thresholds = const NoveltyThresholds&;
  if (name == "p10_seen") return [](Thresholds at) { return at.lose_at_most(0.1); };
  if (name == "p5_seen") return [](Thresholds at) { return at.lose_at_most(0.05); };
  if (name == "seen_target") return [=](Thresholds at) { return at.lose_at_most(1 - target_rate); };
  if (name == "novel_target") return [=](Thresholds at) { return at.find_at_least(target_rate); };
  if (name == "equal_error_rate") return [](Thresholds at) { return at.equal_error_rate(); };
  if (name == "best_harmonic_mean") return [](Thresholds at) { return at.best_harmonic_mean(); };
  if (name == kBestExpectedAccuracy) return [](Thresholds at) { return at.best_expected_accuracy(); };
  throw Error("--per-class", "a rule of quantiles or rates (seen_target, best_harmonic_mean, ...)", name);
}

std::vector<double> class_taus_of(const LevelConfidences& level, const ThresholdOptions& options,
                                  std::int32_t class_count) {
  const MixedGroups mixed(level, options.mix, 1);
  std::vector<double> taus = class_thresholds(mixed.groups, mixed.answers, class_count,
                                              rule_by_class(options.by_class, options.target_rate));
  for (double& tau : taus) tau = tau_of(tau);
  return taus;
}

std::optional<NoveltyCalibration> probability_of(const LevelConfidences& level) {
  std::vector<double> seen, novel;
  const auto add = [](const ConfidenceGroup& group, std::vector<double>& to) {
    for (std::size_t i = 0; i < group.half.size(); ++i) {
      if (group.half[i] != 0) to.push_back(novelty_of_confidence(group.confidences[i]));
    }
  };
  add(level.seen, seen);
  add(level.seen_near, seen);
  add(level.novel(), novel);
  if (novel.empty()) return std::nullopt;
  return calibrate_novelty(seen, novel);
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

std::vector<std::string> calibration_rules() {
  std::vector<std::string> rules = threshold_rules();
  rules.emplace_back(kBestExpectedAccuracy);
  return rules;
}

void check_rules(const std::string& option, const std::vector<std::string>& texts, bool one_level) {
  const std::vector<std::string> rules = calibration_rules();
  const ByLevel<std::optional<std::string>> asked = texts_by_level(option, texts, one_level);
  for (const Level level : kLevels) {
    if (!asked[level] || std::find(rules.begin(), rules.end(), *asked[level]) != rules.end()) continue;
    throw Error(option, fmt::format("one of {}", fmt::join(rules, ", ")),
                "\"" + asked[level]->substr(0, 64) + "\"");
  }
}

LevelThresholds choose_thresholds(const std::string& subject, const LevelGroups& groups,
                                  const ThresholdOptions& options) {
  const LevelConfidences level(groups, options.seed);
  check_counts(subject, level);
  LevelThresholds chosen;
  chosen.level = level.level;
  for (const ConfidenceGroup* group :
       {&level.seen, &level.near, &level.far, &level.far_held_out, &level.made}) {
    if (group->confidences.empty()) continue;
    chosen.groups.push_back({group->name, group->confidences, describe(group->confidences),
                             histogram(group->confidences, ConfidenceDistribution::kBins, 0, 1)});
  }
  chosen.calibrated_with = level.novel().confidences.empty() ? "seen images alone" : level.novel().name;
  std::vector<ThresholdCandidate> candidates =
      threshold_candidates(half_of(level, level.novel(), 1), options.target_rate);
  if (options.mix) {
    const auto best = NoveltyThresholds(MixedGroups(level, options.mix, 1).groups).best_expected_accuracy();
    if (best) candidates.push_back({kBestExpectedAccuracy, tau_of(*best)});
  }
  for (const ThresholdCandidate& candidate : candidates) {
    chosen.candidates.push_back({candidate, half_rates(level, candidate.tau, 1, options.mix),
                                 half_rates(level, candidate.tau, 0, options.mix)});
  }
  if (!options.by_class.empty()) {
    chosen.class_taus = class_taus_of(level, options, static_cast<std::int32_t>(groups.known.size()));
  }
  chosen.held_out = level.seen.confidences;
  chosen.probability = probability_of(level);
  chosen.reference = reference_thresholds(level);
  return chosen;
}

}  // namespace tern
