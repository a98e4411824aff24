#include "engine/metrics/roc.h"

#include "engine/metrics/ranking.h"

namespace tern {
namespace {

using Scores = std::span<const double>;

std::vector<ScoreGroup> ranked(Scores positive, Scores negative) {
  check_scores("roc", "positive", positive);
  check_scores("roc", "negative", negative);
  return rank_scores(positive, negative);
}

std::vector<double> negated(Scores scores) {
  std::vector<double> result(scores.begin(), scores.end());
  for (double& score : result) score = -score;
  return result;
}

}  // namespace

std::vector<RocPoint> roc_curve(Scores positive, Scores negative) {
  const std::vector<ScoreGroup> groups = ranked(positive, negative);
  const auto positives = static_cast<double>(positive.size()),
             negatives = static_cast<double>(negative.size());
  std::vector<RocPoint> curve{{std::numeric_limits<double>::infinity(), 0, 0}};
  std::int64_t true_positives = 0, false_positives = 0;
  for (const ScoreGroup& group : groups) {
    true_positives += group.positive;
    false_positives += group.negative;
    curve.push_back({group.score, static_cast<double>(false_positives) / negatives,
                     static_cast<double>(true_positives) / positives});
  }
  return curve;
}

double auroc(Scores positive, Scores negative) {
  return auroc_of_ranked(ranked(positive, negative));
}

double average_precision(Scores positive, Scores negative) {
  double sum = 0;
  std::int64_t true_positives = 0, called_positive = 0;
  for (const ScoreGroup& group : ranked(positive, negative)) {
    true_positives += group.positive;
    called_positive += group.positive + group.negative;
    sum += static_cast<double>(group.positive) * static_cast<double>(true_positives) /
           static_cast<double>(called_positive);
  }
  return sum / static_cast<double>(positive.size());
}

double fpr_at_tpr(Scores positive, Scores negative, double tpr) {
  if (!(tpr > 0 && tpr <= 1))
    throw Error("roc", "a true-positive rate over 0 and up to 1", std::to_string(tpr));
  for (const RocPoint& point : roc_curve(positive, negative)) {
    if (point.true_positive_rate >= tpr) return point.false_positive_rate;
  }
  return 1;
}

NoveltyMetrics novelty_metrics(Scores seen, Scores novel) {
  check_scores("novelty metrics", "seen", seen);
  check_scores("novelty metrics", "novel", novel);
  const std::vector<double> seenness_of_seen = negated(seen), seenness_of_novel = negated(novel);
  NoveltyMetrics metrics;
  metrics.auroc = auroc(novel, seen);
  metrics.aupr_novel_positive = average_precision(novel, seen);
  metrics.aupr_seen_positive = average_precision(seenness_of_seen, seenness_of_novel);
  metrics.fpr_at_95_tpr_novel_positive = fpr_at_tpr(novel, seen);
  metrics.fpr_at_95_tpr_seen_positive = fpr_at_tpr(seenness_of_seen, seenness_of_novel);
  return metrics;
}

}  // namespace tern
