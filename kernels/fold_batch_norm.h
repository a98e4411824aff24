// A batch normalisation by running statistics folded into the convolution before it, for inference.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// folded[k, i] = w[k, i] f[k], bias[k] = beta[k] - mean[k] f[k], f[k] = gamma[k] / sqrt(variance[k] +
/// epsilon). w, folded [channels, inner]; the others [channels]. T: float or bfloat16.
template <typename T>
void fold_batch_norm(const float* w, const float* gamma, const float* beta, const float* mean,
                     const float* variance, float epsilon, T* folded, float* bias, std::int64_t channels,
                     std::int64_t inner, Stream stream);

}  // namespace tern::kernels
