// ViM, the virtual logit (Wang, Li, Feng and Zhang, "ViM: Out-Of-Distribution with Virtual-logit Matching",
// 2022): how much of a feature vector lies outside the space that the training part fills, against the energy
// of its logits z. Higher means more novel.
//
//   o      the point where every logit is 0: - pinv(W) b of a linear head; 0 for a head without biases
//   P      the D - d directions of least variance of the training part's x - o
//   alpha  mean of the training part's largest logits / mean of its |P'(x - o)|
//   score  alpha |P'(x - o)| - log sum_known exp(z_c)
//
// The virtual logit's probability in the paper rises with this score. d as in the paper: 1000 of 2048 and
// more features, 512 of 768 and more, else half of them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "models/novelty_rows.h"
#include "models/novelty_state.h"

namespace tern {

/// The point nearest to 0 where W x + b is nearest to 0; weight: [classes, features], bias: [classes].
std::vector<float> head_origin(const Rows& weight, std::span<const float> bias);

struct VimOptions {
  std::int64_t dimension = 0;  ///< d; 0: the paper's
  std::vector<float> origin;   ///< o, [features]; empty: 0
};

class Vim {
 public:
  /// Throws Error{"vim", ...} if a number is not finite, the sizes disagree, d is not in 1 .. features - 1,
  /// or the training part has nothing outside d dimensions.
  Vim(const Rows& training_features, const Rows& training_logits, KnownColumns known = {},
      const VimOptions& options = {});
  explicit Vim(NoveltyStateReader& state);
  void write(NoveltyStateWriter& state) const;

  std::vector<double> novelty(const Rows& features, const Rows& logits) const;

  double alpha() const { return alpha_; }

 private:
  std::vector<double> residuals(const Rows& features) const;

  static void fields(auto& self, auto& state);

  std::int64_t columns_ = 0, classes_ = 0;
  std::vector<std::uint8_t> known_;          ///< by class; empty: all
  std::vector<double> origin_, directions_;  ///< [D], [D, D - d]
  double alpha_ = 0;
};

}  // namespace tern
