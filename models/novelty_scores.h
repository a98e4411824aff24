// Every novelty score of one head on one backbone, from features [n, D] and logits [n, classes]. In all of
// them a higher value means more novel. The methods, one family a file:
//
//   novelty_logits.h     max_softmax, temperature_scaled, max_logit, energy, gen, react
//   novelty_distance.h   knn, mahalanobis, relative_mahalanobis; normalized_mahalanobis and
//                        normalized_relative_mahalanobis are the same on features of length 1
//   novelty_vim.h        vim
//   novelty_openmax.h    openmax
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "models/novelty_distance.h"
#include "models/novelty_logits.h"
#include "models/novelty_openmax.h"
#include "models/novelty_vim.h"

namespace tern {

/// In the order of this file's head.
const std::vector<std::string>& novelty_score_names();

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
  GenOptions gen;
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
  /// Fits what the scores of these names need. A model that cannot be fitted (too few rows, say) is told by score().
  /// Throws Error{"novelty scores", ...} if there are no rows, the sizes disagree or a name is unknown. Keeps
  /// nothing of `training` but the head.
  NoveltyScorer(const NoveltyTraining& training, const NoveltyOptions& options = {},
                std::vector<std::string> names = novelty_score_names());

  /// What write() wrote, with the head that it was fitted for. Throws Error{tensor, ...} for anything else.
  NoveltyScorer(NoveltyStateReader state, std::vector<std::string> names, HeadFunction head);
  /// Throws Error{score, ...} if one of the names could not be fitted.
  void write(NoveltyStateWriter state) const;

  /// The scores asked for, in their order. Throws Error for numbers that are not finite.
  std::vector<NoveltyScore> score(const Rows& features, const Rows& logits) const;
  /// The training rows that KNN measures distances to, each of length 1; none without KNN. Valid as long as this object.
  Rows training_directions() const;
  double temperature() const { return temperature_; }  ///< of temperature_scaled
  /// One of them.
  NoveltyScore score(const std::string& name, const Rows& features, const Rows& logits) const;

 private:
  struct Method;
  /// Thrown by a score whose model could not be fitted.
  struct Unavailable {
    std::string why;
  };
  template <typename Model>
  struct Fitted {
    std::optional<Model> model;
    std::string failure;

    void fit(auto&&... arguments);
    const Model& get() const;
  };

  static const std::vector<Method>& methods();
  static const Method& find_method(const std::string& name);
  friend const std::vector<std::string>& novelty_score_names();
  bool needs(std::string_view model) const;  ///< one of the names
  static void fields(auto& self, auto& state);

  std::vector<std::string> names_;
  std::vector<std::uint8_t> known_;
  HeadFunction head_;
  double temperature_ = 1;
  GenOptions gen_;
  float react_threshold_ = 0;
  Fitted<NearestNeighbours> neighbours_;
  Fitted<Mahalanobis> mahalanobis_, normalized_mahalanobis_;
  Fitted<Vim> vim_;
  Fitted<OpenMax> openmax_;
};

}  // namespace tern
