// Every novelty score of one head on one backbone, from features [n, D] and logits [n, classes]. In all of
// them a higher value means more novel. The methods, one family a file:
//
//   novelty_logits.h     max_softmax, temperature_scaled, max_logit, energy, react
//   novelty_distance.h   knn, mahalanobis, relative_mahalanobis
//   novelty_vim.h        vim
//   novelty_openmax.h    openmax
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "models/novelty_distance.h"
#include "models/novelty_logits.h"
#include "models/novelty_openmax.h"
#include "models/novelty_vim.h"

namespace tern {

/// What the scores are fitted to: training rows of known classes.
struct NoveltyTraining {
  Rows features, logits;
  std::span<const std::int32_t> labels;  ///< by row, a known column of the logits
  KnownColumns known;                    ///< empty: all columns
  HeadFunction head;                     ///< features -> logits, for ReAct
};

struct NoveltyOptions {
  double temperature = 1;        ///< of temperature_scaled, fitted elsewhere (engine/metrics/calibration.h)
  std::int64_t neighbours = 50;  ///< k of knn
  std::optional<double> shrinkage;  ///< of mahalanobis; none: Ledoit and Wolf's
  VimOptions vim;
  double react_percentile = 90;
  OpenMaxOptions openmax;
};

/// One score of some rows; or why there is none, where its model could not be fitted.
struct NoveltyScore {
  std::string name;
  std::vector<double> values;
  std::string unavailable;
};

class NoveltyScorer {
 public:
  /// Fits every model. One that cannot be fitted (too few rows, say) is told by score(). Throws
  /// Error{"novelty scores", ...} if there are no rows or the sizes disagree. Keeps nothing of `training` but
  /// the head.
  NoveltyScorer(const NoveltyTraining& training, const NoveltyOptions& options = {});

  /// The ten scores, in the order of this file's head. Throws Error for numbers that are not finite.
  std::vector<NoveltyScore> score(const Rows& features, const Rows& logits) const;

 private:
  template <typename Model>
  struct Fitted {
    std::optional<Model> model;
    std::string failure;

    template <typename... Arguments>
    void fit(Arguments&&... arguments);
    template <typename Values>
    void add(std::vector<NoveltyScore>& scores, const char* name, Values&& values) const;
  };

  std::vector<std::uint8_t> known_;
  HeadFunction head_;
  double temperature_;
  float react_threshold_;
  Fitted<NearestNeighbours> neighbours_;
  Fitted<Mahalanobis> mahalanobis_;
  Fitted<Vim> vim_;
  Fitted<OpenMax> openmax_;
};

}  // namespace tern
