// Elementwise kernels over n values; T is float or bfloat16, the arithmetic f32. y may alias any input of its
// size. One launch each.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// Values on the device that are used again and again until there are n: value i is values[i % count]. count
/// is n, 1 or what divides n: the columns of the last axis.
template <typename T>
struct Broadcast {
  const T* values;
  std::int64_t count;
};

template <typename T>
void fill(float value, T* y, std::int64_t n, Stream stream);  ///< y = value
template <typename T>
void add(Broadcast<T> a, Broadcast<T> b, T* y, std::int64_t n, Stream stream);  ///< y = a + b
template <typename T>
void sub(Broadcast<T> a, Broadcast<T> b, T* y, std::int64_t n, Stream stream);  ///< y = a - b
template <typename T>
void mul(Broadcast<T> a, Broadcast<T> b, T* y, std::int64_t n, Stream stream);  ///< y = a * b
template <typename T>
void div(Broadcast<T> a, Broadcast<T> b, T* y, std::int64_t n, Stream stream);  ///< y = a / b
template <typename T>
void affine(const T* x, float factor, float offset, T* y, std::int64_t n,
            Stream stream);  ///< y = factor * x + offset
template <typename T>
void exp(const T* x, T* y, std::int64_t n, Stream stream);  ///< y = e^x
template <typename T>
void log(const T* x, T* y, std::int64_t n, Stream stream);  ///< y = ln x
/// y = x in another type; bfloat16 rounds to nearest even. y may not alias x unless the types are equal.
template <typename From, typename To>
void convert(const From* x, To* y, std::int64_t n, Stream stream);

}  // namespace tern::kernels
