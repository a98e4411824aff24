#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

/// sum[c] = the sum of x[..., c] over all else, 0 if there is nothing. x [..., C] f32 or bf16, sum [C] f32.
/// In an order that depends on the shape alone: the same bits for any number of threads.
void sum_rows(const Tensor& x, Tensor& sum);

}  // namespace tern
