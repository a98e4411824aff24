// What a score of doubt is worth to someone who answers only what is sure enough: at every threshold t at
// once, rows of score <= t are answered and the others refused. A failure is a row that should have been
// refused: its answer is wrong, or it belongs to no known class, so that every known class would be wrong.
//
//   coverage(t)         = |rows <= t| / |rows|
//   selective risk(t)   = |failures <= t| / |rows <= t|
//   generalized risk(t) = |failures <= t| / |rows|
//   AURC  = area under the selective risk over coverage (Geifman and El-Yaniv, "Selective Classification for
//           Deep Neural Networks", 2017)
//   AUGRC = area under the generalized risk over coverage (Traub et al., "Overcoming Common Flaws in the
//           Evaluation of Selective Classification Systems", 2024): with accuracy a and the AUROC of failures
//           against the other rows (1 - AUROC) a (1 - a) + (1 - a)^2 / 2
//
// Rows of equal scores are answered together, so the order of rows does not matter. Between two points the
// curves are straight; below the first one the selective risk stays as it is and the generalized one falls to
// 0: the definition of the second paper's code (FD-Shifts, which shows both numbers times 1000). For other
// definitions of AURC see torch-uncertainty, which leaves out the coverage below 1 / rows, and takes rows of
// equal scores as they come. Fractions, 0 .. 1; less is better. O(n log n).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tern {

// A higher score means less sure; failures: 1 for a failure, by row. Every function throws
// Error{"risk coverage", ...} if there is no row, a score is NaN, or the lengths differ.

double aurc(std::span<const double> scores, std::span<const std::uint8_t> failures);
double augrc(std::span<const double> scores, std::span<const std::uint8_t> failures);

struct OpenSetRisk {
  double aurc = 0, augrc = 0;
};
/// Where novel rows stand beside seen ones: a failure is a novel row, or a seen one whose answer is wrong. `correct`: 1
/// for a right answer, by seen row.
OpenSetRisk open_set_risk(std::span<const double> seen, std::span<const std::uint8_t> correct,
                          std::span<const double> novel);

struct RiskCoveragePoint {
  double threshold = 0;  ///< -infinity at the first point, where nothing is answered
  double coverage = 0;
  double selective_risk = 0;  ///< at the first point that of the second
  double generalized_risk = 0;
};

/// From coverage 0 to 1, a point for each distinct score, thresholds rising.
std::vector<RiskCoveragePoint> risk_coverage_curve(std::span<const double> scores,
                                                   std::span<const std::uint8_t> failures);

}  // namespace tern
