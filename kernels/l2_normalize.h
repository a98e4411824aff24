// y = x / max(|x|, epsilon) along the rows of [rows, cols]; inverse_norm [rows] = 1 / max(|x|, epsilon), f32.
// T is float or bfloat16, the arithmetic f32. rows, cols >= 0; y may alias x, dx either of y and dy.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

template <typename T>
void l2_normalize_forward(const T* x, float epsilon, T* y, float* inverse_norm, std::int64_t rows,
                          std::int64_t cols, Stream stream);
/// dx = inverse_norm (dy - y sum_j dy_j y_j); inverse_norm dy where epsilon replaced the norm (|y| < 1).
template <typename T>
void l2_normalize_backward(const T* y, const float* inverse_norm, const T* dy, T* dx, std::int64_t rows,
                           std::int64_t cols, Stream stream);

}  // namespace tern::kernels
