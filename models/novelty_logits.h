// Novelty scores made of logits z alone, and of logits of clipped features. A higher score means more novel.
//
//   max softmax   1 - max_known softmax(z / T)_c            Hendrycks and Gimpel 2017; T: Guo et al. 2017
//   max logit     - max_known z_c                           Hendrycks et al. 2022
//   energy        - T log sum_known exp(z_c / T)            Liu et al. 2020
//   GEN           sum over the m largest p of p^g (1 - p)^g Liu, Lochman and Zach 2023; p = softmax(z_known)
//   ReAct         energy of head(min(features, c))          Sun et al. 2021; c: a percentile of training's
//
// The softmax is over all columns, the largest over the known ones: probability on a trained "novel" column
// counts as novelty. Logits of classes that were never trained should be masked first (models/losses.h).
//
// Each throws Error{its name, ...} if a number is not finite, the sizes disagree, no class is known, or an
// option is out of range.
#pragma once

#include <functional>
#include <vector>

#include "models/novelty_rows.h"

namespace tern {

/// 1 - p is summed from the other classes' probabilities, so that p near 1 keeps its digits.
std::vector<double> max_softmax_novelty(const Rows& logits, KnownColumns known = {}, double temperature = 1);
std::vector<double> max_logit_novelty(const Rows& logits, KnownColumns known = {});
std::vector<double> energy_novelty(const Rows& logits, KnownColumns known = {}, double temperature = 1);

struct GenOptions {
  double gamma = 0.1;         ///< g in (0, 1)
  std::int64_t largest = 10;  ///< m; the paper takes a tenth of ImageNet's 1000 classes
};
std::vector<double> gen_novelty(const Rows& logits, KnownColumns known = {}, const GenOptions& options = {});

/// [rows, features] -> [rows, classes], row-major.
using HeadFunction = std::function<std::vector<float>(const Rows& features)>;

/// The percentile of all activations of all rows together, interpolated as NumPy does.
float react_threshold(const Rows& training_features, double percentile = 90);
std::vector<double> react_novelty(const Rows& features, float threshold, const HeadFunction& head,
                                  KnownColumns known = {});

}  // namespace tern
