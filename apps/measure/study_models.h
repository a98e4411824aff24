// What a run's best models say about images: logits and features of both levels.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/common/step_results.h"
#include "apps/run/run_folder.h"
#include "apps/run/study_data.h"
#include "data/augment.h"
#include "data/dataset.h"
#include "engine/device/device.h"
#include "engine/distributed/communicator.h"
#include "models/heads.h"
#include "models/novelty_logits.h"

namespace tern {

/// By image, row-major; a level without a model is empty.
struct Scores {
  ByLevel<std::vector<float>> logits;    ///< [images, classes of the level]
  ByLevel<std::vector<float>> features;  ///< [images, feature_count], if they were asked for; two heads on
                                         ///< one backbone have the same
  std::int64_t feature_count = 0;
  /// What decides between a level's most probable class and "novel" (novelty_confidence.h); empty: the largest
  /// probability.
  ByLevel<std::vector<float>> confidences = {};
  /// Of an ensemble, by run and view: what these are made of. Empty for one run and one view.
  std::vector<std::vector<Scores>> members = {};
};

/// By image, row-major: [images, rows, columns].
struct HeatMaps {
  int stage = kStages;  ///< of the network whose maps they are of: layer1 .. layer4
  std::int64_t rows = 0, columns = 0;
  std::vector<float> values;
};

/// The models of the best checkpoints.
class StudyModels {
 public:
  /// Throws Error naming the checkpoint that is missing, damaged, or made for other classes.
  StudyModels(const Run& run, Device device);

  /// From now on score() is called by all of `ranks`, with the same images, which are shared among them, and returns all scores on
  /// each of them; the ranks must outlive this. Of nullptr: this process alone, as at first.
  void share_among(Communicator* ranks);

  bool has(Level level) const;
  std::vector<Level> levels() const;

  /// A network of the run, in evaluation mode; its heads are of levels_of(part).
  struct Network {
    Part part;
    const Model& model;  ///< valid as long as this object
  };
  std::vector<Network> networks() const;

  /// Runs the models over images of a dataset, showing progress as `label`. Throws Error{checkpoint, ...}
  /// naming the first image for which a model gives NaN or infinity, which no answer can be read from. `view`: what
  /// each image is shown as.
  Scores score(const Dataset& dataset, const std::vector<std::int64_t>& indices, const char* label,
               bool with_features = false, const Augmentation& view = {});
  /// Is told how many images have been scored.
  using Scored = std::function<void(std::int64_t)>;
  /// The same, told to `scored` and not shown.
  Scores score(const Dataset& dataset, const std::vector<std::int64_t>& indices, const Scored& scored,
               bool with_features = false, const Augmentation& view = {});

  /// Where each image shows what speaks for a class of the level, one an image, with progress as `label`: over the last
  /// stage whose maps are large enough (heat_map_stage(), models/grad_cam.h).
  HeatMaps heat_maps(const Dataset& dataset, const std::vector<std::int64_t>& indices,
                     const std::vector<std::int32_t>& classes, Level level, const char* label);

  /// The head of a level that has a model, as a function of features; valid as long as this object.
  HeadFunction head(Level level);
  /// Where the logits of the known classes are 0 together (models/novelty_vim.h); empty for a head without
  /// biases.
  std::vector<float> head_origin(Level level, KnownColumns known);
  /// A number that changes whenever the models are trained on: a checksum of their heads.
  std::uint32_t fingerprint() const;

 private:
  struct Member {
    Part part;
    Model model;
    std::filesystem::path file;
  };

  Member& member(Level level);
  /// Tells `found` of one batch after the other.
  void score_batches(const Dataset& dataset, const std::vector<std::int64_t>& indices,
                     const Augmentation& view, const std::function<void(const StepOutputs&)>& found);
  /// Each model's features and the logits of its heads, in the order of members_.
  StepOutputs outputs(const Tensor& images);
  /// Those of a batch of `images` images of one of the ranks, which has them, on all. Only features that are asked for.
  StepOutputs outputs_of(int rank, const StepOutputs& own, std::int64_t images, bool with_features) const;
  /// Adds them to the scores of `images` images.
  void keep(const StepOutputs& outputs, std::size_t images, bool with_features, Scores& scores) const;
  void check_finite(const StepResult& result, const Dataset& dataset) const;

  Config config_;
  Device device_;
  std::vector<Member> members_;
  std::unique_ptr<Communicator> alone_ = make_local_communicator();
  Communicator* ranks_ = alone_.get();
};

}  // namespace tern
