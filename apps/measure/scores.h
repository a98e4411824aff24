// What a run's best models say about images: logits of both levels, and the answers that thresholds make of
// them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/step_results.h"
#include "apps/run/run_folder.h"
#include "data/dataset.h"
#include "engine/device/device.h"
#include "engine/metrics/confidence.h"
#include "models/heads.h"
#include "models/novelty_logits.h"

namespace tern {

/// By image, row-major; a level without a model is empty.
struct Scores {
  ByLevel<std::vector<float>> logits;    ///< [images, classes of the level]
  ByLevel<std::vector<float>> features;  ///< [images, feature_count], if they were asked for; two heads on
                                         ///< one backbone have the same
  std::int64_t feature_count = 0;
};

/// The models of the best checkpoints.
class StudyModels {
 public:
  /// Throws Error naming the checkpoint that is missing, damaged, or made for other classes.
  StudyModels(const Run& run, Device device);

  bool has(Level level) const;
  std::vector<Level> levels() const;

  /// Runs the models over images of a dataset, showing progress as `label`. Throws Error{checkpoint, ...}
  /// naming the first image for which a model gives NaN or infinity, which no answer can be read from.
  Scores score(const Dataset& dataset, const std::vector<std::int64_t>& indices, const char* label,
               bool with_features = false);

  /// The head of a level that has a model, as a function of features; valid as long as this object.
  HeadFunction head(Level level);
  /// Where the logits of the known classes are 0 together (models/novelty_vim.h); empty for a head without
  /// biases.
  std::vector<float> head_origin(Level level, KnownColumns known);

 private:
  struct Member {
    Part part;
    Model model;
    std::filesystem::path file;
  };

  Member& member(Level level);
  /// Each model's features and the logits of its heads, in the order of members_.
  StepOutputs outputs(const Tensor& images);
  void keep(const StepOutputs& outputs, bool with_features, Scores& scores) const;
  void check_finite(const StepResult& result, const Dataset& dataset) const;

  Config config_;
  Device device_;
  std::vector<Member> members_;
};

/// Which answers are novel, and which classes may be answered.
struct Decision {
  double tau_super = 0.99, tau_sub = 0.85;
  bool mask_untrained = true;
  bool consistent = false;  ///< subclass answers follow the superclass answers
};

/// What the command line changes of a run's own settings.
struct DecisionOptions {
  std::optional<double> tau_super, tau_sub;
  std::optional<bool> mask_untrained;
  bool consistent = false;
  std::string tau_rule = {};  ///< for the taus not given here: a rule's name in RUN/calibration.json
};
Decision resolve_decision(const Config& config, const DecisionOptions& options);

/// The answers of one level, by image.
struct Answers {
  MostProbable most_probable;
  std::vector<std::int32_t> classes;  ///< after the threshold
};

/// `logits` is the level's of Scores, not empty unless there are no images.
Answers answer_super(const Run& run, const Decision& decision, const std::vector<float>& logits);
Answers answer_sub(const Run& run, const Decision& decision, const std::vector<float>& logits);

/// Subclass answers that agree with the superclass answers of the same images: novel where the superclass is,
/// else the most probable subclass of that superclass or novel. A probability stays what it is among all
/// subclasses, so that one at odds with its superclass falls under the threshold.
Answers answer_sub_within(const Run& run, const Decision& decision, const std::vector<float>& logits,
                          const Answers& super);

/// Both levels as the decision has it; a level without a model is empty. Throws Error{run folder, ...} if
/// consistent answers are asked of one level alone.
ByLevel<Answers> answer_levels(const Run& run, const Decision& decision, const Scores& scores);

}  // namespace tern
