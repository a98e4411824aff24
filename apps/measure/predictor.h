// Everything that answers together: the runs with their models, the novelty scores and thresholds that decide.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/measure/ensemble.h"
#include "apps/measure/novelty_confidence.h"

namespace tern {

struct Predictor {
  std::vector<Run> runs;
  EnsembleModels models;
  std::optional<NoveltyConfidence> confidence;  ///< none: the largest probability decides
  Decision decision;

  /// Of open_ensemble()'s runs; `views` as parse_views() takes them. The calibration that is asked for, or else the
  /// first run's own (scores_file.h). Throws Error naming the file or option where it is of other scores, models, or
  /// thresholds.
  Predictor(std::vector<Run> opened, const DecisionOptions& options, const std::string& views, Device device,
            ScoreMemo* memo = nullptr);

  /// The features that `confidence` wants are to be kept.
  bool needs_features() const { return confidence.has_value(); }
  /// Whether "of any class or none" is a question at all, with one level of classes: there is a class for none, or a score.
  bool tells_any_class() const;
  /// With one level of classes there is one answer: what is of none of them gets no class. So predict and export answer.
  void answer_one_level();
  /// What decides at each level.
  ByLevel<ScoreChoice> choices() const { return confidence ? confidence->choices() : ByLevel<ScoreChoice>{}; }
};

}  // namespace tern
