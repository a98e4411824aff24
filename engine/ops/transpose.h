#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

/// y[n, c, r] = x[n, r, c]: another layout. x [count, rows, columns], y [count, columns, rows], f32 or bf16,
/// on the CPU of any type. No aliasing.
void transpose(const Tensor& x, Tensor& y);

}  // namespace tern
