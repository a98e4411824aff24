// Element types.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"

namespace tern {

enum class DType { f32, f16, bf16, f64, u8, i32, i64 };

std::size_t size_of(DType dtype);  ///< bytes of one element
const char* name_of(DType dtype);  ///< "f32", "bf16", ...

/// The DType of a C++ type, for Tensor::data<T>(). f16 is stored as 16 raw bits and has none.
template <typename T>
inline constexpr DType dtype_of = [] {
  static_assert(sizeof(T) == 0, "no DType for this type");
  return DType::f32;
}();
template <>
inline constexpr DType dtype_of<float> = DType::f32;
template <>
inline constexpr DType dtype_of<bfloat16> = DType::bf16;
template <>
inline constexpr DType dtype_of<double> = DType::f64;
template <>
inline constexpr DType dtype_of<std::uint8_t> = DType::u8;
template <>
inline constexpr DType dtype_of<std::int32_t> = DType::i32;
template <>
inline constexpr DType dtype_of<std::int64_t> = DType::i64;

}  // namespace tern
