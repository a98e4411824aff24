// Batch normalisation, with the addition and the ReLU that follow it in a residual block.
#pragma once

#include "engine/autograd/variable.h"
#include "engine/distributed/communicator.h"

namespace tern {

/// What a normalisation layer owns; every member [C], f32.
struct BatchNormState {
  Variable gamma, beta;
  Tensor running_mean, running_variance;
  float epsilon = 1e-5f;
  float momentum = 0.1f;
  /// Not null: the batch's statistics, forward and backward, are those of all its ranks' batches together, for one sum over the
  /// ranks each way. All ranks then call the layer; one may have nothing in its batch. On the CPU alone.
  Communicator* ranks = nullptr;
};

/// y = (x - mean) / sqrt(variance + epsilon) * gamma + beta, then + residual (if defined), then ReLU (if
/// asked). x [..., C] f32 or bf16, residual and y of x's shape and type.
/// Training: mean and biased variance of this batch over all axes but the last; the running statistics move
/// by `momentum` towards them, the variance unbiased. Throws Error for one value a channel, which has no variance; where there is
/// none at all, nothing moves. Evaluation: the running statistics, which stay as they are.
Variable batch_norm(const Variable& x, BatchNormState& state, bool training, const Variable& residual = {},
                    bool relu = false);

}  // namespace tern
