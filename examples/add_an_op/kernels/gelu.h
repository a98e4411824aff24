// GELU over n values; T is float or bfloat16, the arithmetic f32. y and dx may alias any input. One launch
// each.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// y = x Phi(x), Phi being the standard normal distribution.
template <typename T>
void gelu_forward(const T* x, T* y, std::int64_t n, Stream stream);
/// dx = dy (Phi(x) + x phi(x)), phi being its density.
template <typename T>
void gelu_backward(const T* x, const T* dy, T* dx, std::int64_t n, Stream stream);

}  // namespace tern::kernels
