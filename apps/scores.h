// What a run's best models say about images: logits of both levels, and the answers that thresholds make of
// them.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "apps/run.h"
#include "data/dataset.h"
#include "engine/device/device.h"
#include "engine/metrics/confidence.h"
#include "models/heads.h"

namespace tern {

/// By image, row-major; a level without a model is empty.
struct Scores {
  std::vector<float> super_logits, sub_logits;  ///< [images, superclasses], [images, subclasses]
};

/// The models of the best checkpoints.
class StudyModels {
 public:
  /// Throws Error naming the checkpoint that is missing, damaged, or made for other classes.
  StudyModels(const Run& run, Device device);

  bool has_super() const { return has_level(&tern::has_super); }
  bool has_sub() const { return has_level(&tern::has_sub); }

  /// Runs the models over images of a dataset, showing progress as `label`.
  Scores score(const Dataset& dataset, const std::vector<std::int64_t>& indices, const char* label);

 private:
  struct Member {
    Part part;
    Model model;
  };

  bool has_level(bool (*level)(Part)) const;

  Config config_;
  Device device_;
  std::vector<Member> members_;
};

/// Which answers are novel, and which classes may be answered.
struct Decision {
  double tau_super = 0.99, tau_sub = 0.85;
  bool mask_untrained = true;
};

/// What the command line changes of a run's own settings.
struct DecisionOptions {
  std::optional<double> tau_super, tau_sub;
  std::optional<bool> mask_untrained;
};
Decision resolve_decision(const Config& config, const DecisionOptions& options);

/// The answers of one level, by image.
struct Answers {
  MostProbable most_probable;
  std::vector<std::int32_t> classes;  ///< after the threshold
};

/// `logits` is Scores::super_logits or sub_logits, not empty unless there are no images.
Answers answer_super(const Run& run, const Decision& decision, const std::vector<float>& logits);
Answers answer_sub(const Run& run, const Decision& decision, const std::vector<float>& logits);

}  // namespace tern
