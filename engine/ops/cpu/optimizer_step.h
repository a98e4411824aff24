#pragma once

#include "engine/ops/optimizer_step.h"

namespace tern::cpu {

void adam_step(std::span<OptimizerSlot> slots, const AdamSettings& settings, const Tensor* gradient_scale);
void sgd_step(std::span<OptimizerSlot> slots, const SgdSettings& settings, const Tensor* gradient_scale);
void clip_scale(std::span<OptimizerSlot> slots, float max_norm, Tensor& norm, Tensor& scale);

}  // namespace tern::cpu
