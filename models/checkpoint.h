// Files of a training run. A model's file is safetensors with torchvision's names and layout, its
// description in the metadata; PyTorch loads its tensors with strict=True. A training state is one file with
// the model, the optimiser's moments and the progress together, so that no crash can leave halves of two
// epochs. All are written beside their name and renamed when whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "engine/io/state_dict.h"
#include "engine/optim/optimizer.h"
#include "models/heads.h"

namespace tern {

/// Writes the model and its spec. `metadata`: what else should travel with it (class names, configuration,
/// thresholds); keys that begin with "tern." are taken and throw Error.
void save_model(const std::filesystem::path& path, const Model& model, const Metadata& metadata = {});

struct LoadedModel {
  Model model;  ///< in evaluation mode
  Metadata metadata;
};

/// Reads what save_model wrote. Throws Error{path, ...} for a file without a model's description, with an
/// unknown architecture or head, or whose tensors do not fit it or hold NaN or infinity.
LoadedModel load_model(const std::filesystem::path& path, Device device = Device::cpu());

/// The spec in a model's file, without its tensors being used.
ModelSpec read_model_spec(const Metadata& metadata, const std::string& source);

struct TrainingProgress {
  std::int64_t epoch = 0;          ///< epochs completed
  std::int64_t step_in_epoch = 0;  ///< steps done of the epoch after that; 0 between epochs
  std::int64_t global_step = 0;
  Metadata extra;  ///< anything else that a resumed run needs, as text
};

/// A training as its files hold it, copied from the device once for all of them. On the CPU it shares what
/// needs no other layout: write the files before the training goes on.
class TrainingSnapshot {
 public:
  /// `average`: the moving average of the model's weights, where one is kept. `moments`: the optimiser's state(), where it does not
  /// keep all of it itself.
  TrainingSnapshot(const Model& model, const Optimizer& optimizer, const Model* average = nullptr,
                   const std::vector<OptimizerTensor>* moments = nullptr);

  /// As the free non_finite_text(); the optimiser's tensors are "optimizer.<name>", the average's
  /// "average.<name>".
  std::string non_finite_text() const;
  /// As the free save_model(); of the average, where there is one.
  void save_model(const std::filesystem::path& path, const Metadata& metadata = {}) const;
  /// One file with everything that a resumed run needs: tensors "model.<name>", "optimizer.<name>" and
  /// "average.<name>".
  void save_state(const std::filesystem::path& path, const TrainingProgress& progress) const;

 private:
  ModelSpec spec_;
  std::int64_t optimizer_steps_;
  StateDict model_, optimizer_;
  StateDict average_;  ///< empty without an average
};

/// Restores a model, an optimiser and an average (or null) built as they were. Throws Error{path, ...}, leaving
/// all as they are, if the file does not fit them.
TrainingProgress load_training_state(const std::filesystem::path& path, Model& model, Optimizer& optimizer,
                                     Model* average = nullptr);

}  // namespace tern
