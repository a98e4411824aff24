#pragma once

#include "engine/ops/batch_norm.h"

namespace tern {

/// A normalisation with running statistics, folded into the convolution before it: conv(x, folded) + bias
/// equals norm(conv(x, w)). folded = w f and bias = beta - mean f, with f = gamma / sqrt(running variance +
/// epsilon) of each output channel. w [K,R,R,C] f32, folded of w's shape, f32 or bf16, bias [K] f32. Records
/// nothing.
void fold_batch_norm(const Tensor& w, const BatchNormState& norm, Tensor& folded, Tensor& bias);

}  // namespace tern
