// Telling two groups apart by one score, at every threshold at once. With a threshold t, rows of score >= t
// are called positive:
//
//   TPR(t) = |positive rows >= t| / |positive rows|      FPR(t) = |negative rows >= t| / |negative rows|
//   precision(t) = |positive rows >= t| / |rows >= t|
//   AUROC = P(score of a positive row > that of a negative) + P(equal) / 2
//   AUPR  = sum over thresholds, falling, of precision(t) (TPR(t) - TPR(the one before)): average precision
//
// Equal scores pass a threshold together. All numbers are fractions, 0 .. 1. O(n log n).
#pragma once

#include <span>
#include <vector>

namespace tern {

// Every function throws Error{"roc", ...} if a group is empty or a score is NaN; infinities are scores like
// others.

double auroc(std::span<const double> positive, std::span<const double> negative);

/// As scikit-learn's average_precision_score: no interpolation. Depends on the share of positive rows.
double average_precision(std::span<const double> positive, std::span<const double> negative);

/// The least FPR among thresholds whose TPR is at least `tpr`.
double fpr_at_tpr(std::span<const double> positive, std::span<const double> negative, double tpr = 0.95);

struct RocPoint {
  double threshold = 0;  ///< +infinity at the first point, where nothing is called positive
  double false_positive_rate = 0;
  double true_positive_rate = 0;
};

/// From (0, 0) to (1, 1), a point for each distinct score, thresholds falling.
std::vector<RocPoint> roc_curve(std::span<const double> positive, std::span<const double> negative);

/// How well a score finds novel rows. A higher score means more novel. What counts as positive is in the
/// name: AUPR and FPR depend on it, AUROC does not.
struct NoveltyMetrics {
  double auroc = 0;
  double aupr_novel_positive = 0;
  double aupr_seen_positive = 0;
  double fpr_at_95_tpr_novel_positive = 0;  ///< P(seen called novel) where 95 % of the novel are found
  double fpr_at_95_tpr_seen_positive = 0;   ///< P(novel called seen) where 95 % of the seen are kept
};
NoveltyMetrics novelty_metrics(std::span<const double> seen, std::span<const double> novel);

}  // namespace tern
