// The confidence that a chosen novelty score (score_choice.h) gives an image at a level, in place of the largest
// probability:
//
//   z = standard(sum over terms of mean over runs of standard(mean over views of score))
//   confidence = 1 / (1 + exp(z))
//
// where standard(x) = (x - mean) / deviation, of held-out images of known classes (the validation half that calibrates).
// So 0.5 is the average known image, and less is more novel, whatever the score; a threshold on it carries over from
// one run to another. RUN/scores.safetensors keeps everything that it takes: neither the training images nor their
// features are needed again.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/measure/ensemble.h"
#include "apps/measure/level_groups.h"
#include "apps/measure/score_choice.h"
#include "engine/io/state_dict.h"
#include "models/novelty_scores.h"

namespace tern {

class NoveltyConfidence {
 public:
  struct Standard {
    double mean = 0, deviation = 1;

    double operator()(double value) const { return (value - mean) / deviation; }
  };
  /// What decides at one level.
  struct LevelScore {
    ScoreChoice choice;
    std::vector<std::vector<Standard>> of_terms;  ///< by term and run
    Standard of_sum;
    std::vector<double> held_out;  ///< z of the held-out images of known classes, rising
  };
  /// By run.
  using Scorers = std::vector<ByLevel<std::unique_ptr<NoveltyScorer>>>;

  /// Levels with an empty choice are left to the largest probability. `scored` has features and the training part; `seed`
  /// is that of the halves. k of KNN, the percentile of ReAct, the tail of OpenMax and the temperature are chosen on the
  /// half that calibrates. Throws Error{"--score ...", ...} for a score that cannot be fitted or is the same for all.
  static NoveltyConfidence fit(const ByLevel<ScoreChoice>& choices, const std::vector<Run>& runs,
                               EnsembleModels& models, const EnsembleData& data, const ScoredParts& scored,
                               const Decision& decision, std::uint64_t seed);
  NoveltyConfidence(ByLevel<LevelScore> levels, Scorers scorers, bool mask_untrained)
      : levels_(std::move(levels)), scorers_(std::move(scorers)), mask_untrained_(mask_untrained) {}

  const LevelScore& level(Level level) const { return levels_[level]; }
  const Scorers& scorers() const { return scorers_; }
  ByLevel<ScoreChoice> choices() const { return {levels_.super.choice, levels_.sub.choice}; }
  bool mask_untrained() const { return mask_untrained_; }

  /// z of each image; empty for a level of the largest probability.
  std::vector<double> novelty(const std::vector<Run>& runs, Level level, const Scores& scores) const;
  /// Sets the confidences.
  void add_to(const std::vector<Run>& runs, Scores& scores) const;
  void add_to(const std::vector<Run>& runs, ScoredParts& scored) const;

 private:
  /// Of each image, by one term and one run: the mean over views.
  std::vector<double> term_values(const std::vector<Run>& runs, const ScoreTerm& term, std::size_t run,
                                  const Scores& scores) const;
  void standardise(const std::vector<Run>& runs, Level level, const Scores& validation,
                   const std::vector<std::uint8_t>& known, const std::vector<std::uint8_t>& calibrates);

  ByLevel<LevelScore> levels_;
  Scorers scorers_;
  bool mask_untrained_ = true;
};

/// The options of the scores that tell the novel images of the calibration half best from the known ones (by AUROC);
/// the defaults of NoveltyOptions where there are none.
NoveltyOptions choose_novelty_options(const NoveltyTraining& training, const LevelGroups& groups,
                                      const std::vector<std::string>& names, std::uint64_t seed);

}  // namespace tern
