#include "apps/measure/level_report.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/core/check.h"
#include "engine/metrics/confusion.h"
#include "engine/metrics/oscr.h"
#include "models/losses.h"
#include "models/novelty_scores.h"

namespace tern {
namespace {

std::vector<std::int32_t> best_known(const LevelRows& rows, const std::vector<std::uint8_t>& known) {
  return most_probable(rows.logits, static_cast<std::int32_t>(rows.class_count), known).classes;
}

std::vector<std::uint8_t> flags_of(const LevelRows& rows, const std::vector<std::int32_t>& answers) {
  std::vector<std::uint8_t> correct;
  for (std::size_t i = 0; i < answers.size(); ++i) correct.push_back(answers[i] == rows.labels[i]);
  return correct;
}

/// Probability of the most probable known class, by row.
std::vector<float> confidences(const LevelRows& rows, const std::vector<std::uint8_t>& known,
                               double temperature) {
  std::vector<float> values;
  for (const double novelty : max_softmax_novelty(rows.logit_rows(), known, temperature)) {
    values.push_back(static_cast<float>(1 - novelty));
  }
  return values;
}

double ece_of(const LevelRows& rows, const std::vector<std::uint8_t>& known, double temperature) {
  const std::vector<std::uint8_t> correct = flags_of(rows, best_known(rows, known));
  return expected_calibration_error(reliability_bins(confidences(rows, known, temperature), correct));
}

double nll_of(const LevelRows& rows, double temperature) {
  return negative_log_likelihood(rows.logits, static_cast<std::int32_t>(rows.class_count), rows.labels,
                                 temperature);
}

LevelRows picked(const LevelRows& rows, const std::vector<std::uint8_t>& flags, std::uint8_t wanted) {
  LevelRows part;
  part.class_count = rows.class_count;
  for (std::int64_t i = 0; i < rows.count(); ++i) {
    if (flags[static_cast<std::size_t>(i)] != wanted) continue;
    part.labels.push_back(rows.labels[static_cast<std::size_t>(i)]);
    const std::span<const float> row = rows.logit_rows().row(i);
    part.logits.insert(part.logits.end(), row.begin(), row.end());
  }
  return part;
}

ClosedSet closed_set_of(const LevelGroups& groups, std::uint64_t seed) {
  const LevelRows& seen = groups.seen;
  const std::vector<std::int32_t> answers = best_known(seen, groups.known);
  const ConfusionMatrix matrix =
      confusion_matrix(seen.labels, answers, static_cast<std::int32_t>(seen.class_count));
  ClosedSet result;
  result.images = seen.count();
  result.accuracy = matrix.accuracy();
  result.balanced_accuracy = matrix.balanced_accuracy();
  result.nll = nll_of(seen, 1);
  result.bins = reliability_bins(confidences(seen, groups.known, 1), flags_of(seen, answers));
  result.ece = expected_calibration_error(result.bins);
  const std::vector<std::uint8_t> half =
      random_half(seen.count(), seed, static_cast<std::uint32_t>(groups.level));
  const LevelRows fitted = picked(seen, half, 1);
  const LevelRows rest = seen.count() > 1 ? picked(seen, half, 0) : fitted;
  result.temperature =
      fit_temperature(fitted.logits, static_cast<std::int32_t>(seen.class_count), fitted.labels);
  result.held_out_nll = nll_of(rest, 1);
  result.held_out_ece = ece_of(rest, groups.known, 1);
  result.scaled_nll = nll_of(rest, result.temperature);
  result.scaled_ece = ece_of(rest, groups.known, result.temperature);
  return result;
}

/// The head with the columns that may not be answered masked, as in the rows' logits.
HeadFunction masked(const HeadFunction& head, const LevelGroups& groups) {
  return [&](const Rows& features) {
    std::vector<float> logits = head(features);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const auto column = static_cast<std::int64_t>(i) % groups.seen.class_count;
      if (column != groups.novel && !is_known(groups.known, column)) logits[i] = kMaskedLogit;
    }
    return logits;
  };
}

NoveltySet novelty_set(const char* name, const LevelGroups& groups, const LevelRows& novel,
                       const NoveltyScorer& scorer) {
  const LevelRows& seen = groups.seen;
  const std::vector<std::uint8_t> correct = flags_of(seen, best_known(seen, groups.known));
  const std::vector<NoveltyScore> of_seen = scorer.score(seen.feature_rows(), seen.logit_rows());
  const std::vector<NoveltyScore> of_novel = scorer.score(novel.feature_rows(), novel.logit_rows());
  NoveltySet set{name, seen.count(), novel.count(), {}};
  for (std::size_t i = 0; i < of_seen.size(); ++i) {
    ScoreMetrics row{of_seen[i].name, {}, 0, of_seen[i].unavailable};
    if (row.unavailable.empty()) {
      row.metrics = novelty_metrics(of_seen[i].values, of_novel[i].values);
      row.oscr = oscr(of_seen[i].values, correct, of_novel[i].values);
    }
    set.scores.push_back(std::move(row));
  }
  return set;
}

}  // namespace

LevelReport make_level_report(const LevelGroups& groups, const HeadFunction& head,
                              const std::vector<float>& origin, std::uint64_t seed) {
  if (groups.seen.count() == 0) {
    throw Error(fmt::format("{} level", name_of(groups.level)), "validation images of known classes", "none");
  }
  LevelReport report{groups.level, closed_set_of(groups, seed), {}};
  if (novel_kinds(groups).empty()) return report;
  NoveltyOptions options;
  options.temperature = report.closed_set.temperature;
  options.vim.origin = origin;
  const LevelRows& train = groups.train;
  const NoveltyScorer scorer(
      {train.feature_rows(), train.logit_rows(), train.labels, groups.known, masked(head, groups)}, options);
  for (const auto& [name, rows] : novel_kinds(groups)) {
    report.novelty.push_back(novelty_set(name, groups, *rows, scorer));
  }
  return report;
}

}  // namespace tern
