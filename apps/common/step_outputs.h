// What a step of training, validation or scoring found.
#pragma once

#include <vector>

#include "engine/tensor/tensor.h"

namespace tern {

/// Undefined or empty where a step does not look for it. Heads are in the models' order; n images.
struct StepOutputs {
  Tensor loss;                        ///< one element
  std::vector<Tensor> answers;        ///< by head: the most probable class, [n] i32
  std::vector<Tensor> probabilities;  ///< by head: the softmax probability of that class, [n] f32
  std::vector<Tensor> logits;         ///< by head: [n, classes]
  std::vector<Tensor> features;       ///< by model: [n, feature_count]

  /// The tensors that are there.
  std::vector<Tensor*> tensors();
};

}  // namespace tern
