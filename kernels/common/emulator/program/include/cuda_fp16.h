// CUDA's half precision: a number of 16 bits that is converted, rounded to nearest even; arithmetic is done in float.
#ifndef TERN_CUDA_FP16_H
#define TERN_CUDA_FP16_H

#include <cuda_runtime.h>

namespace tern::emulator::program {

inline float float_of_half(unsigned short bits) {
  const unsigned exponent = bits >> 10 & 31u, fraction = bits & 1023u;
  float value = 0;
  if (exponent == 31)
    value = fraction == 0 ? __builtin_huge_valf() : __builtin_nanf("");
  else if (exponent == 0)
    value = ldexpf(static_cast<float>(fraction), -24);
  else
    value = ldexpf(static_cast<float>(fraction + 1024u), static_cast<int>(exponent) - 25);
  return (bits & 0x8000u) != 0 ? -value : value;
}

inline unsigned short half_of_float(float value) {
  const unsigned sign = std::bit_cast<unsigned>(value) >> 16 & 0x8000u;
  const float size = fabsf(value);
  if (!(size == size)) return static_cast<unsigned short>(0x7fffu);
  if (size >= 65520.0f) return static_cast<unsigned short>(sign | 0x7c00u);
  int exponent = 0;
  frexpf(size, &exponent);
  // The unit of the last place: 2^-24 for the smallest numbers.
  const int unit = exponent - 11 > -24 ? exponent - 11 : -24;
  const unsigned steps = static_cast<unsigned>(rintf(ldexpf(size, -unit)));  // 0 to 2048
  const unsigned bits = unit == -24 ? steps : (static_cast<unsigned>(unit + 24) << 10) + steps;
  return static_cast<unsigned short>(sign | bits);
}

}  // namespace tern::emulator::program

struct __half {
  unsigned short bits;

  __half() = default;
  template <typename T>
    requires std::is_arithmetic_v<T>
  __half(T value) : bits(tern::emulator::program::half_of_float(static_cast<float>(value))) {}  // NOLINT: CUDA's converts, too
  operator float() const { return tern::emulator::program::float_of_half(bits); }
  __half& operator+=(__half other) { return *this = __half(float(*this) + float(other)); }
  __half& operator-=(__half other) { return *this = __half(float(*this) - float(other)); }
  __half& operator*=(__half other) { return *this = __half(float(*this) * float(other)); }
  __half& operator/=(__half other) { return *this = __half(float(*this) / float(other)); }
};
using half = __half;
struct alignas(4) __half2 {
  __half x, y;
};
using half2 = __half2;

inline __half operator+(__half a, __half b) {
  return __half(float(a) + float(b));
}
inline __half operator-(__half a, __half b) {
  return __half(float(a) - float(b));
}
inline __half operator*(__half a, __half b) {
  return __half(float(a) * float(b));
}
inline __half operator/(__half a, __half b) {
  return __half(float(a) / float(b));
}
inline __half operator-(__half a) {
  return __half(-float(a));
}
inline __half2 operator+(__half2 a, __half2 b) {
  return {a.x + b.x, a.y + b.y};
}
inline __half2 operator-(__half2 a, __half2 b) {
  return {a.x - b.x, a.y - b.y};
}
inline __half2 operator*(__half2 a, __half2 b) {
  return {a.x * b.x, a.y * b.y};
}

inline __half __float2half(float x) {
  return __half(x);
}
inline __half __float2half_rn(float x) {
  return __half(x);
}
inline float __half2float(__half x) {
  return float(x);
}
inline __half __int2half_rn(int x) {
  return __half(x);
}
inline int __half2int_rn(__half x) {
  return __float2int_rn(float(x));
}
inline __half2 __floats2half2_rn(float x, float y) {
  return {__half(x), __half(y)};
}
inline __half2 __float2half2_rn(float x) {
  return {__half(x), __half(x)};
}
inline __half2 __halves2half2(__half x, __half y) {
  return {x, y};
}
inline __half2 __half2half2(__half x) {
  return {x, x};
}
inline __half2 make_half2(__half x, __half y) {
  return {x, y};
}
inline float2 __half22float2(__half2 a) {
  return {float(a.x), float(a.y)};
}
inline __half2 __float22half2_rn(float2 a) {
  return {__half(a.x), __half(a.y)};
}
inline __half __low2half(__half2 a) {
  return a.x;
}
inline __half __high2half(__half2 a) {
  return a.y;
}
inline float __low2float(__half2 a) {
  return float(a.x);
}
inline float __high2float(__half2 a) {
  return float(a.y);
}

#define TERN_HALVES(name, of)                                                            \
  inline __half __h##name(__half a, __half b) { return a of b; }                         \
  inline __half2 __h##name##2(__half2 a, __half2 b) { return {a.x of b.x, a.y of b.y}; }
TERN_HALVES(add, +)
TERN_HALVES(sub, -)
TERN_HALVES(mul, *)
#undef TERN_HALVES
inline __half __hdiv(__half a, __half b) {
  return a / b;
}
inline __half __hfma(__half a, __half b, __half c) {
  return __half(fmaf(float(a), float(b), float(c)));
}
inline __half2 __hfma2(__half2 a, __half2 b, __half2 c) {
  return {__hfma(a.x, b.x, c.x), __hfma(a.y, b.y, c.y)};
}
inline __half __hneg(__half a) {
  return -a;
}
inline __half __habs(__half a) {
  return __half(fabsf(float(a)));
}
inline bool __hgt(__half a, __half b) {
  return float(a) > float(b);
}
inline bool __hlt(__half a, __half b) {
  return float(a) < float(b);
}
inline bool __hge(__half a, __half b) {
  return float(a) >= float(b);
}
inline bool __hle(__half a, __half b) {
  return float(a) <= float(b);
}
inline bool __heq(__half a, __half b) {
  return float(a) == float(b);
}
inline __half __hmax(__half a, __half b) {
  return __half(fmaxf(float(a), float(b)));
}
inline __half __hmin(__half a, __half b) {
  return __half(fminf(float(a), float(b)));
}
inline __half hexp(__half a) {
  return __half(expf(float(a)));
}
inline __half hlog(__half a) {
  return __half(logf(float(a)));
}
inline __half hsqrt(__half a) {
  return __half(sqrtf(float(a)));
}

#endif
