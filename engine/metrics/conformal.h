// How unusual a score is among those of held-out rows of known classes: the conformal p-value (Vovk,
// Gammerman and Shafer, "Algorithmic Learning in a Random World", 2005; as a test of novelty: Bates et al.,
// "Testing for Outliers with Conformal p-values", 2023)
//
//   p(s) = (1 + |held-out scores >= s|) / (|held-out scores| + 1)
//
// A higher score means more novel, a smaller p too. For a row of a known class that is exchangeable with the
// held-out ones, whatever the score's distribution, P(p <= a) <= a: calling novel what has p <= .05 loses at
// most 5 % of the known rows on average over held-out sets. Equal scores count as "at least", which keeps
// that true.
#pragma once

#include <span>
#include <vector>

namespace tern {

class ConformalPValues {
 public:
  /// Scores of rows of known classes that nothing was fitted to; sorted once, O(n log n). Throws
  /// Error{"conformal", ...} if there are none or one is NaN; infinities are scores like others.
  explicit ConformalPValues(std::span<const double> held_out);

  /// 1 / (n + 1) .. 1, O(log n). Throws Error{"conformal", ...} for NaN.
  double p_value(double score) const;
  std::vector<double> p_values(std::span<const double> scores) const;  ///< by row; none for no rows

 private:
  std::vector<double> sorted_;
};

}  // namespace tern
