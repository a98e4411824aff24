#include "apps/measure/level_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "engine/core/check.h"
#include "engine/metrics/confusion.h"
#include "engine/metrics/oscr.h"
#include "engine/metrics/risk_coverage.h"
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
  const LevelRows fitted = rows_where(seen, half, 1);
  const LevelRows rest = seen.count() > 1 ? rows_where(seen, half, 0) : fitted;
  result.temperature =
      fit_temperature(fitted.logits, static_cast<std::int32_t>(seen.class_count), fitted.labels);
  result.held_out_nll = nll_of(rest, 1);
  result.held_out_ece = ece_of(rest, groups.known, 1);
  result.scaled_nll = nll_of(rest, result.temperature);
  result.scaled_ece = ece_of(rest, groups.known, result.temperature);
  return result;
}

/// A score of one kind of images by every member.
class EnsembleScore {
 public:
  EnsembleScore(const std::vector<LevelMember>& members, const NoveltyOptions& options) : members_(members) {
    for (const LevelMember& member : members) {
      const LevelGroups& groups = member.views.front();
      const LevelRows& train = groups.train;
      NoveltyOptions own = options;
      own.vim.origin = member.origin;
      scorers_.emplace_back(NoveltyTraining{train.feature_rows(), train.logit_rows(), train.labels,
                                            groups.known, masked_head(member.head, groups)},
                            own);
    }
  }

  /// Of the seen images and of a kind of novel ones.
  std::pair<NoveltyScore, NoveltyScore> score(const std::string& name, ImageKind novel) const {
    if (scorers_.size() == 1) return {member_score(0, name, ImageKind::seen), member_score(0, name, novel)};
    std::pair<NoveltyScore, NoveltyScore> sum{{name, {}, {}}, {name, {}, {}}};
    for (std::size_t member = 0; member < scorers_.size(); ++member) {
      const NoveltyScore seen = member_score(member, name, ImageKind::seen);
      if (!seen.unavailable.empty()) return {seen, seen};
      const double mean = mean_of(seen.values), deviation = deviation_of(seen.values, mean);
      add(seen.values, mean, deviation, sum.first.values);
      add(member_score(member, name, novel).values, mean, deviation, sum.second.values);
    }
    return sum;
  }

 private:
  NoveltyScore member_score(std::size_t member, const std::string& name, ImageKind kind) const {
    NoveltyScore mean{name, {}, {}};
    const std::vector<LevelGroups>& views = members_[member].views;
    for (const LevelGroups& view : views) {
      const LevelRows& rows = rows_of(view, kind);
      const NoveltyScore score = scorers_[member].score(name, rows.feature_rows(), rows.logit_rows());
      if (!score.unavailable.empty()) return score;
      add(score.values, 0, static_cast<double>(views.size()), mean.values);
    }
    return mean;
  }
  static double mean_of(const std::vector<double>& values) {
    return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
  }
  static double deviation_of(const std::vector<double>& values, double mean) {
    double squares = 0;
    for (const double value : values) squares += (value - mean) * (value - mean);
    const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
    return deviation > 0 ? deviation : 1;
  }
  static void add(const std::vector<double>& values, double mean, double deviation, std::vector<double>& to) {
    to.resize(values.size(), 0.0);
    for (std::size_t i = 0; i < to.size(); ++i) to[i] += (values[i] - mean) / deviation;
  }

  const std::vector<LevelMember>& members_;
  std::vector<NoveltyScorer> scorers_;
};

/// What tau is held against, the other way round; empty where the largest probability decides.
std::vector<double> calibrated_novelty(const LevelRows& rows) {
  std::vector<double> novelty;
  for (const float confidence : rows.confidences) novelty.push_back(-static_cast<double>(confidence));
  return novelty;
}

/// `correct`: of the seen images, by flag.
ScoreMetrics metrics_of(const std::string& name, const std::vector<double>& seen,
                        const std::vector<std::uint8_t>& correct, const std::vector<double>& novel) {
  const OpenSetRisk risk = open_set_risk(seen, correct, novel);
  return {name,
          novelty_metrics(seen, novel),
          oscr(seen, correct, novel),
          bootstrap_auroc(novel, seen),
          risk.aurc,
          risk.augrc,
          {}};
}

NoveltySet novelty_set(const LevelGroups& groups, ImageKind kind, const EnsembleScore& scores) {
  const LevelRows &seen = groups.seen, &novel = rows_of(groups, kind);
  const std::vector<std::uint8_t> correct = flags_of(seen, best_known(seen, groups.known));
  NoveltySet set{name_of(kind), seen.count(), novel.count(), {}};
  for (const std::string& name : novelty_score_names()) {
    const auto [of_seen, of_novel] = scores.score(name, kind);
    if (of_seen.unavailable.empty()) {
      set.scores.push_back(metrics_of(name, of_seen.values, correct, of_novel.values));
    } else {
      set.scores.push_back({name, {}, 0, {}, 0, 0, of_seen.unavailable});
    }
  }
  if (!seen.confidences.empty()) {
    set.scores.push_back(
        metrics_of("calibrated", calibrated_novelty(seen), correct, calibrated_novelty(novel)));
  }
  return set;
}

}  // namespace

LevelReport make_level_report(const LevelGroups& groups, const std::vector<LevelMember>& members,
                              std::uint64_t seed) {
  if (groups.seen.count() == 0) {
    throw Error(fmt::format("{} level", name_of(groups.level)), "validation images of known classes", "none");
  }
  LevelReport report{groups.level, closed_set_of(groups, seed), {}};
  if (members.empty() || novel_kinds(groups).empty()) return report;
  NoveltyOptions options;
  options.temperature = report.closed_set.temperature;
  const EnsembleScore scores(members, options);
  for (const ImageKind kind : novel_kinds(groups))
    report.novelty.push_back(novelty_set(groups, kind, scores));
  return report;
}

}  // namespace tern
