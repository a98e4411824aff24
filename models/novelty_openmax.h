// OpenMax (Bendale and Boult, "Towards Open Set Deep Networks", CVPR 2016): logits are lowered by how unusual
// their distance from their class's mean is, and what they lose becomes the logit of an unknown class.
//
//   m_c      mean logit vector of the training rows of class c that are answered rightly
//   F_c      a Weibull distribution of the `tail` largest of their distances |z - m_c|, by maximum likelihood
//   w_i      (top + 1 - i) / top F_c(|z - m_c|), c the class of the i-th largest logit, i = 1 .. top, else 0
//   u_c      z_c (1 - w_i)      unknown logit u_0 = sum_c z_c w_i
//   score    log((1 - p) / p), p = max_known softmax(u_0, u_1 .. u_C)_c, the probability that the paper
//            thresholds; a logarithm, since 1 - p is 1 to the last digit for many rows
//
// Higher means more novel. Parameters as in the paper: tail 20, top 10, Euclidean distances (its code also
// offers a mix with cosine distances). Tails are moved to begin at 1 before they are fitted, as its code
// (libMR) does. Where the paper's algorithm 2 and its code differ (the sign in w), this is its code.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/novelty_rows.h"
#include "models/novelty_state.h"

namespace tern {

/// F(x) = 1 - exp(-(x / scale)^shape) for x > 0.
struct Weibull {
  double shape = 1, scale = 1;

  double cumulative(double x) const;
};

inline constexpr double kSteepestShape = 1e4;

/// The two-parameter distribution of greatest likelihood. The shape is at most kSteepestShape, which equal
/// values have. Throws Error{"weibull", ...} if there is no value or one is not finite and over 0.
Weibull fit_weibull(std::span<const double> values);

struct OpenMaxOptions {
  std::int64_t tail = 20;
  std::int64_t top = 10;
};

class OpenMax {
 public:
  /// labels: the class of each row. Only known columns take part. Throws Error{"openmax", ...} if a number is
  /// not finite, the sizes disagree, a label is no known class, or a known class with rows has none that is
  /// answered rightly. Known classes without rows are never revised.
  OpenMax(const Rows& training_logits, std::span<const std::int32_t> labels, KnownColumns known = {},
          const OpenMaxOptions& options = {});
  explicit OpenMax(NoveltyStateReader& state);
  void write(NoveltyStateWriter& state) const;

  std::vector<double> novelty(const Rows& logits) const;

 private:
  struct ClassModel {
    std::int64_t column = 0;
    std::uint8_t fitted = 0;
    std::vector<double> mean;  ///< [known classes]; empty unless fitted
    double least = 0;          ///< the smallest distance of the tail, which is moved to 1
    Weibull tail;
  };

  std::vector<double> activations(std::span<const float> row) const;
  double row_novelty(std::span<const float> row) const;
  void fit_class(ClassModel& model, const std::vector<std::vector<double>>& rows);

  static void fields(auto& self, auto& state);

  OpenMaxOptions options_;
  std::int64_t columns_ = 0;
  std::vector<ClassModel> classes_;   ///< the known ones
  std::vector<std::int64_t> others_;  ///< columns of no known class
};

}  // namespace tern
