// Element types.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"

namespace tern {

/// The first seven are computed with. The others are carried from file to file, bit for bit: they have no C++
/// type here, and only raw() reaches their elements.
enum class DType {
  f32,
  f16,
  bf16,
  f64,
  u8,
  i32,
  i64,
  boolean,
  i8,
  i16,
  u16,
  u32,
  u64,
  f8_e4m3,
  f8_e5m2,
  f8_e8m0,
  f8_e4m3fnuz,
  f8_e5m2fnuz,
  f6_e2m3,  ///< these three share bytes with their neighbours
  f6_e3m2,
  f4,
  c32,  ///< complex: two halves, floats or doubles
  c64,
  c128
};

/// Every type, in the order of the enumeration.
inline constexpr int kDTypeCount = static_cast<int>(DType::c128) + 1;

int bits_of(DType dtype);          ///< of one element
std::size_t size_of(DType dtype);  ///< bytes of one element; 1 for those that share a byte
const char* name_of(DType dtype);  ///< "f32", "bf16", "bool", ...
bool is_floating(DType dtype);     ///< real numbers with a fraction, of any width
bool is_complex(DType dtype);
bool is_computed(DType dtype);  ///< one that tern computes with

/// Bytes of that many elements, whole ones.
std::uint64_t bytes_of(DType dtype, std::int64_t elements);

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
