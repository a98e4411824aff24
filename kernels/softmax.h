// Softmax and log-softmax along the rows of row-major [rows, cols]; T is float or bfloat16, the arithmetic
// f32. rows >= 0, cols >= 0; y may alias x, and dx either input. A row with a NaN becomes NaN; a logit of
// -infinity gets probability 0.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

template <typename T>
void softmax_forward(const T* x, T* y, std::int64_t rows, std::int64_t cols, Stream stream);
/// dx = y (dy - sum_j dy_j y_j)
template <typename T>
void softmax_backward(const T* y, const T* dy, T* dx, std::int64_t rows, std::int64_t cols, Stream stream);
template <typename T>
void log_softmax_forward(const T* x, T* y, std::int64_t rows, std::int64_t cols, Stream stream);
/// dx = dy - exp(y) sum_j dy_j
template <typename T>
void log_softmax_backward(const T* y, const T* dy, T* dx, std::int64_t rows, std::int64_t cols,
                          Stream stream);

}  // namespace tern::kernels
