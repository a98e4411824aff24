// Matrices turned over, which is how layouts of images and weights differ: [N,H,W,C] and [N,C,H,W] are each
// other's with the pixels as rows. T is float or bfloat16.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// y[n, c, r] = x[n, r, c]; x [count, rows, cols], y [count, cols, rows]. No aliasing.
template <typename T>
void transpose(const T* x, T* y, std::int64_t count, std::int64_t rows, std::int64_t cols, Stream stream);

}  // namespace tern::kernels
