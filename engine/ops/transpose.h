#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

/// y[n, c, r] = x[n, r, c]: another layout. x [count, rows, columns], y [count, columns, rows], f32 or bf16,
/// on the CPU of any type with elements of 1, 2, 4 or 8 bytes. No aliasing. Throws Error for another.
void transpose(const Tensor& x, Tensor& y);

}  // namespace tern
