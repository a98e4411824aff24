// ReLU over n values; T is float or bfloat16. y and dx may alias any input. One launch each.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// y = max(x, 0); NaN stays NaN.
template <typename T>
void relu_forward(const T* x, T* y, std::int64_t n, Stream stream);
/// dx = 0 where y <= 0, else dy.
template <typename T>
void relu_backward(const T* y, const T* dy, T* dx, std::int64_t n, Stream stream);

}  // namespace tern::kernels
