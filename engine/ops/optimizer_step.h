// Steps of optimisers: every parameter in one call. The formulas are in engine/optim/optimizer.h.
#pragma once

#include <cstdint>
#include <span>

#include "engine/tensor/tensor.h"

namespace tern {

/// One parameter of a fused optimiser step.
struct OptimizerSlot {
  Tensor parameter;
  Tensor gradient;       ///< T: f32 or bf16, each slot its own
  Tensor first_moment;   ///< Adam: m. SGD: the momentum buffer, undefined without momentum
  Tensor second_moment;  ///< Adam: v
  float learning_rate = 0;
  float weight_decay = 0;
  Tensor bf16_copy{};  ///< takes the new parameter too, rounded; undefined if none is kept
};

struct AdamSettings {
  double beta1 = 0.9, beta2 = 0.999;  ///< double: 1 - beta2 is taken, and f32 would lose it
  float epsilon = 1e-8f;
  bool decoupled_decay = false;  ///< AdamW: p -= lr * decay * p. Otherwise coupled L2: g += decay * p
  std::int64_t step = 1;         ///< of this update, counted from 1
};

struct SgdSettings {
  float momentum = 0;
  bool nesterov = false;
  bool first_step = false;  ///< the buffer takes the gradient as it is
};

/// gradient_scale (one element, or null) multiplies the gradients first. Every slot is on one device.
void adam_step(std::span<OptimizerSlot> slots, const AdamSettings& settings, const Tensor* gradient_scale);
void sgd_step(std::span<OptimizerSlot> slots, const SgdSettings& settings, const Tensor* gradient_scale);
/// norm[0] = sqrt(sum of squares of all gradients); scale[0] = min(1, max_norm / (norm + 1e-6)).
void clip_scale(std::span<OptimizerSlot> slots, float max_norm, Tensor& norm, Tensor& scale);

}  // namespace tern
