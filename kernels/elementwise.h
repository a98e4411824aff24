// Elementwise kernels over n values; T is float or bfloat16, the arithmetic f32. y may alias any input.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

template <typename T>
void fill(float value, T* y, std::int64_t n, Stream stream);  ///< y = value
template <typename T>
void add(const T* a, const T* b, T* y, std::int64_t n, Stream stream);  ///< y = a + b
template <typename T>
void add_scaled(float scale, const T* x, T* y, std::int64_t n, Stream stream);  ///< y += scale * x
/// y = x * factor * scalar[0]; scalar is on the device.
template <typename T>
void multiply(const T* x, float factor, const float* scalar, T* y, std::int64_t n, Stream stream);
/// y = x in another type; bfloat16 rounds to nearest even. y may not alias x unless the types are equal.
template <typename From, typename To>
void convert(const From* x, To* y, std::int64_t n, Stream stream);

}  // namespace tern::kernels
