#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

/// y[..., c] += bias[c]. y [..., C] f32 or bf16, bias [C] f32. (Its gradient is sum_rows of y's.)
void add_bias(const Tensor& bias, Tensor& y);

}  // namespace tern
