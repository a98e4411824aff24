#include "apps/measure/novelty_confidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "apps/common/level_words.h"
#include "engine/core/check.h"
#include "engine/metrics/calibration.h"
#include "models/losses.h"

namespace tern {
namespace {

/// What one run of an ensemble says, by view.
std::span<const Scores> views_of(const Scores& scores, std::size_t run) {
  if (scores.members.empty()) return {&scores, 1};
  return scores.members[run];
}

/// What is told of a score that is the same for all images.
struct SameForAll {
  std::string wanted, got;
};

/// `one_level`: of classes.
SameForAll same_for_all(const ScoreTerm& term, Level level, double temperature, bool one_level) {
  const Level other = level == Level::super ? Level::sub : Level::super;
  const std::string rest = fmt::format("another score at this level, or --score {}={} for the other alone",
                                       one_level ? level_word(other, one_level) : name_of(other), term.name);
  if (term.name == "temperature_scaled" && temperature <= kLowestTemperature) {
    return {
        "images that it tells apart; max_logit or max_softmax may do (" + rest + ")",
        fmt::format("a temperature of {:g}, the lowest that is searched, at which every probability is 0 or "
                    "1: the images that it is fitted to are all answered rightly",
                    temperature)};
  }
  return {"a score that differs between validation images (" + rest + ")", "the same for all"};
}

/// Of the values whose flag is 1. Throws Error{subject, ...} if they are all the same.
NoveltyConfidence::Standard standard_of(const std::vector<double>& values,
                                        const std::vector<std::uint8_t>& flags, const std::string& subject,
                                        const SameForAll& same) {
  double count = 0, mean = 0, square = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (flags[i] == 0) continue;
    ++count;
    const double step = values[i] - mean;
    mean += step / count;
    square += step * (values[i] - mean);
  }
  if (count < 2)
    throw Error(subject, "at least 2 validation images of known classes", fmt::format("{}", count));
  const double deviation = std::sqrt(square / count);
  if (!(deviation > 0)) throw Error(subject, same.wanted, same.got);
  return {mean, deviation};
}

/// One flag an image of the validation part: those of known classes; and of these, those that calibrate.
struct HeldOut {
  std::vector<std::uint8_t> known, calibrates;

  HeldOut(const StudyData& data, Level level, std::uint64_t seed) {
    const std::int32_t novel = data.dataset.classes.novel(level);
    for (const std::int32_t label : labels_of(data.dataset.labels(level), data.split.validation)) {
      known.push_back(label != novel);
    }
    calibrates = known;
    const std::int64_t count = std::accumulate(known.begin(), known.end(), std::int64_t{0});
    const std::vector<std::uint8_t> half = calibration_half(level, ImageKind::seen, count, seed);
    auto flag = half.begin();
    for (std::uint8_t& one : calibrates) {
      if (one != 0) one = *flag++;
    }
  }
};

std::unique_ptr<NoveltyScorer> fitted_scorer(const LevelGroups& groups, StudyModels& models,
                                             const std::vector<std::string>& names, std::uint64_t seed) {
  const LevelRows& train = groups.train;
  const NoveltyTraining training{train.feature_rows(), train.logit_rows(), train.labels, groups.known,
                                 masked_head(models.head(groups.level), groups)};
  NoveltyOptions options = choose_novelty_options(training, groups, names, seed);
  options.vim.origin = models.head_origin(groups.level, groups.known);
  return std::make_unique<NoveltyScorer>(training, options, names);
}

}  // namespace

NoveltyConfidence NoveltyConfidence::fit(const ByLevel<ScoreChoice>& choices, const std::vector<Run>& runs,
                                         EnsembleModels& models, const EnsembleData& data,
                                         const ScoredParts& scored, const Decision& decision,
                                         std::uint64_t seed) {
  Scorers scorers(runs.size());
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (const Level level : kLevels) {
      const std::vector<std::string> names = names_of(choices, level);
      if (names.empty()) continue;
      if (!models.has(level)) {
        throw Error("--score", "scores of levels that have a model",
                    std::string("one of the level ") + name_of(level));
      }
      const LevelGroups groups =
          scored.validation.members.empty()
              ? level_groups(runs[run], *data[run], scored, decision, level)
              : level_groups(runs[run], *data[run], parts_of_member(scored, run, 0), decision, level);
      scorers[run][level] = fitted_scorer(groups, models.member(run), names, seed);
    }
  }
  NoveltyConfidence confidence({{choices.super, {}, {}, {}}, {choices.sub, {}, {}, {}}}, std::move(scorers),
                               decision.mask_untrained);
  for (const Level level : kLevels) {
    if (choices[level].terms.empty()) continue;
    const HeldOut held_out(*data.front(), level, seed);
    confidence.standardise(runs, level, scored.validation, held_out.known, held_out.calibrates);
  }
  return confidence;
}

void NoveltyConfidence::standardise(const std::vector<Run>& runs, Level level, const Scores& validation,
                                    const std::vector<std::uint8_t>& known,
                                    const std::vector<std::uint8_t>& calibrates) {
  LevelScore& score = levels_[level];
  const bool one_level = runs.front().classes().has_one_level();
  const std::string subject =
      fmt::format("--score {} at the {} level", text_of(score.choice, level), level_word(level, one_level));
  for (const ScoreTerm& term : score.choice.terms) {
    std::vector<Standard>& of_runs = score.of_terms.emplace_back();
    for (std::size_t run = 0; run < runs.size(); ++run) {
      of_runs.push_back(
          standard_of(term_values(runs, term, run, validation), calibrates, subject,
                      same_for_all(term, level, scorers_[run][term.of]->temperature(), one_level)));
    }
  }
  score.of_sum = standard_of(novelty(runs, level, validation), calibrates, subject,
                             {"terms that do not cancel", "a sum that is the same for all"});
  const std::vector<double> z = novelty(runs, level, validation);
  for (std::size_t i = 0; i < z.size(); ++i) {
    if (known[i] != 0) score.held_out.push_back(z[i]);
  }
  std::sort(score.held_out.begin(), score.held_out.end());
}

std::vector<double> NoveltyConfidence::term_values(const std::vector<Run>& runs, const ScoreTerm& term,
                                                   std::size_t run, const Scores& scores) const {
  const std::vector<std::uint8_t> allowed = allowed_classes(runs[run], mask_untrained_, term.of);
  std::vector<double> mean;
  const std::span<const Scores> views = views_of(scores, run);
  for (const Scores& view : views) {
    std::vector<float> logits = view.logits[term.of];
    for (std::size_t i = 0; i < logits.size(); ++i) {
      if (allowed[i % allowed.size()] == 0) logits[i] = kMaskedLogit;
    }
    const NoveltyScore score =
        scorers_[run][term.of]->score(term.name, {view.features[term.of], view.feature_count},
                                      {logits, static_cast<std::int64_t>(allowed.size())});
    if (!score.unavailable.empty()) throw Error("--score " + term.name, score.unavailable);
    mean.resize(score.values.size(), 0.0);
    for (std::size_t i = 0; i < mean.size(); ++i)
      mean[i] += score.values[i] / static_cast<double>(views.size());
  }
  return mean;
}

std::vector<double> NoveltyConfidence::novelty(const std::vector<Run>& runs, Level level,
                                               const Scores& scores) const {
  const LevelScore& score = levels_[level];
  if (score.choice.terms.empty()) return {};
  std::vector<double> sum;
  for (std::size_t t = 0; t < score.choice.terms.size(); ++t) {
    for (std::size_t run = 0; run < runs.size(); ++run) {
      const std::vector<double> values = term_values(runs, score.choice.terms[t], run, scores);
      sum.resize(values.size(), 0.0);
      for (std::size_t i = 0; i < sum.size(); ++i) {
        sum[i] += score.of_terms[t][run](values[i]) / static_cast<double>(runs.size());
      }
    }
  }
  for (double& value : sum) value = score.of_sum(value);
  return sum;
}

void NoveltyConfidence::add_to(const std::vector<Run>& runs, Scores& scores) const {
  for (const Level level : kLevels) {
    std::vector<float> confidences;
    for (const double z : novelty(runs, level, scores)) {
      confidences.push_back(static_cast<float>(1 / (1 + std::exp(z))));
    }
    scores.confidences[level] = std::move(confidences);
  }
}

void NoveltyConfidence::add_to(const std::vector<Run>& runs, ScoredParts& scored) const {
  for (Scores* part : {&scored.validation, &scored.pseudo_novel, &scored.pseudo_novel_super, &scored.made}) {
    if (!part->logits.super.empty() || !part->logits.sub.empty()) add_to(runs, *part);
  }
}

}  // namespace tern
