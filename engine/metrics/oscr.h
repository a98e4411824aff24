// Open-set classification rate (Dhamija, Günther and Boult, "Reducing Network Agnostophobia", 2018): right
// class and kept as seen, against novel rows kept as seen, at every threshold t on a novelty score:
//
//   CCR(t) = |seen rows answered rightly, score <= t| / |seen rows|      FPR(t) = |novel rows, score <= t| /
//   |novel| OSCR = area under CCR over FPR, by trapezoids
//
// Rows of equal scores enter together, so the order of rows does not matter. A classifier without a mistake
// has OSCR = AUROC; in general OSCR <= closed-set accuracy. Fractions, 0 .. 1. O(n log n).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tern {

/// Scores of seen rows, whether each of them is answered rightly (1) when no threshold is set, and scores of
/// novel rows; a higher score means more novel. Throws Error{"oscr", ...} if a group is empty, a score is
/// NaN, or the lengths differ.
double oscr(std::span<const double> seen, std::span<const std::uint8_t> seen_correct,
            std::span<const double> novel);

struct OscrPoint {
  double threshold = 0;  ///< -infinity at the first point, where nothing is kept as seen
  double false_positive_rate = 0;
  double correct_classification_rate = 0;
};

/// From (0, 0) to (1, closed-set accuracy), a point for each distinct score, thresholds rising.
std::vector<OscrPoint> oscr_curve(std::span<const double> seen, std::span<const std::uint8_t> seen_correct,
                                  std::span<const double> novel);

}  // namespace tern
