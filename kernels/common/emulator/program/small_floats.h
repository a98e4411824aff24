// What cuda_fp16.h and cuda_bf16.h have alike: a number of 16 bits, converted from and to float and rounded to the nearest, ties to
// even; arithmetic is done in float and rounded once.
#pragma once

#include <math.h>

#include <bit>
#include <type_traits>

namespace tern::emulator::program {

/// 5 bits of exponent, 10 of fraction.
inline float float_of_half(unsigned short bits) {
  const unsigned size = bits & 0x7fffu, sign = static_cast<unsigned>(bits & 0x8000u) << 16;
  const bool is_finite = size < 0x7c00u;
  // The fields where a float has them; its exponent counts from 127, not from 15.
  const float scaled = std::bit_cast<float>(size << 13) * 0x1p112f;
  const unsigned wide = is_finite ? std::bit_cast<unsigned>(scaled) : 0x7f800000u | size << 13;
  return std::bit_cast<float>(sign | wide);
}

inline unsigned short half_of_float(float value) {
  const unsigned sign = std::bit_cast<unsigned>(value) >> 16 & 0x8000u;
  const float size = fabsf(value);
  if (!(size == size)) return static_cast<unsigned short>(0x7fffu);
  if (size >= 65520.0f) return static_cast<unsigned short>(sign | 0x7c00u);
  if (size < 0x1p-14f)
    return static_cast<unsigned short>(sign | static_cast<unsigned>(rintf(size * 0x1p24f)));
  const unsigned bits = std::bit_cast<unsigned>(size);
  const unsigned rounded = bits + 0xfffu + (bits >> 13 & 1u);
  return static_cast<unsigned short>(sign | ((rounded >> 13) - (112u << 10)));
}

/// The upper half of a float: 8 bits of exponent, 7 of fraction.
inline float float_of_bfloat16(unsigned short bits) {
  return std::bit_cast<float>(static_cast<unsigned>(bits) << 16);
}

inline unsigned short bfloat16_of_float(float value) {
  if (!(value == value)) return static_cast<unsigned short>(0x7fffu);
  const unsigned bits = std::bit_cast<unsigned>(value);
  return static_cast<unsigned short>((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

}  // namespace tern::emulator::program

/// The members of the type T, whose bits are `from_float` of a float, and give `to_float` back.
#define TERN_SMALL_FLOAT_MEMBERS(T, from_float, to_float)                                 \
  unsigned short bits;                                                                    \
  T() = default;                                                                          \
  template <typename Value>                                                               \
  requires std::is_arithmetic_v<Value> T(Value value)                                     \
      : bits(from_float(static_cast<float>(value))) {} /* NOLINT: CUDA's converts, too */ \
  operator float() const {                                                                \
    return to_float(bits);                                                                \
  }                                                                                       \
  T& operator+=(T other) {                                                                \
    return *this = T(float(*this) + float(other));                                        \
  }                                                                                       \
  T& operator-=(T other) {                                                                \
    return *this = T(float(*this) - float(other));                                        \
  }                                                                                       \
  T& operator*=(T other) {                                                                \
    return *this = T(float(*this) * float(other));                                        \
  }                                                                                       \
  T& operator/=(T other) {                                                                \
    return *this = T(float(*this) / float(other));                                        \
  }

#define TERN_SMALL_FLOAT_OPERATION(T, Pair, name, of) \
  inline T operator of(T a, T b) {                    \
    return T(float(a) of float(b));                   \
  }                                                   \
  inline Pair operator of(Pair a, Pair b) {           \
    return {a.x of b.x, a.y of b.y};                  \
  }                                                   \
  inline T __h##name(T a, T b) {                      \
    return a of b;                                    \
  }                                                   \
  inline Pair __h##name##2(Pair a, Pair b) {          \
    return a of b;                                    \
  }

#define TERN_SMALL_FLOAT_COMPARISON(T, name, of) \
  inline bool __h##name(T a, T b) {              \
    return float(a) of float(b);                 \
  }

#define TERN_SMALL_FLOAT_FUNCTION(T, name, of) \
  inline T name(T a) {                         \
    return T(of(float(a)));                    \
  }

/// What CUDA has of both types under the same names. Pair: T's of two, with x and y.
#define TERN_SMALL_FLOAT_FUNCTIONS(T, Pair)                \
  TERN_SMALL_FLOAT_OPERATION(T, Pair, add, +)              \
  TERN_SMALL_FLOAT_OPERATION(T, Pair, sub, -)              \
  TERN_SMALL_FLOAT_OPERATION(T, Pair, mul, *)              \
  inline T operator/(T a, T b) {                           \
    return T(float(a) / float(b));                         \
  }                                                        \
  inline T operator-(T a) {                                \
    return T(-float(a));                                   \
  }                                                        \
  inline T __hdiv(T a, T b) {                              \
    return a / b;                                          \
  }                                                        \
  inline T __hfma(T a, T b, T c) {                         \
    return T(fmaf(float(a), float(b), float(c)));          \
  }                                                        \
  inline Pair __hfma2(Pair a, Pair b, Pair c) {            \
    return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)}; \
  }                                                        \
  inline T __hmax(T a, T b) {                              \
    return T(fmaxf(float(a), float(b)));                   \
  }                                                        \
  inline T __hmin(T a, T b) {                              \
    return T(fminf(float(a), float(b)));                   \
  }                                                        \
  inline float __low2float(Pair a) {                       \
    return float(a.x);                                     \
  }                                                        \
  inline float __high2float(Pair a) {                      \
    return float(a.y);                                     \
  }                                                        \
  TERN_SMALL_FLOAT_COMPARISON(T, gt, >)                    \
  TERN_SMALL_FLOAT_COMPARISON(T, lt, <)                    \
  TERN_SMALL_FLOAT_COMPARISON(T, ge, >=)                   \
  TERN_SMALL_FLOAT_COMPARISON(T, le, <=)                   \
  TERN_SMALL_FLOAT_COMPARISON(T, eq, ==)                   \
  TERN_SMALL_FLOAT_FUNCTION(T, __hneg, -)                  \
  TERN_SMALL_FLOAT_FUNCTION(T, __habs, fabsf)              \
  TERN_SMALL_FLOAT_FUNCTION(T, hexp, expf)                 \
  TERN_SMALL_FLOAT_FUNCTION(T, hlog, logf)                 \
  TERN_SMALL_FLOAT_FUNCTION(T, hsqrt, sqrtf)
