// CUDA's half precision (small_floats.h).
#ifndef TERN_CUDA_FP16_H
#define TERN_CUDA_FP16_H

#include <cuda_runtime.h>

#include "kernels/common/emulator/program/small_floats.h"

struct __half {
  TERN_SMALL_FLOAT_MEMBERS(__half, tern::emulator::program::half_of_float,
                           tern::emulator::program::float_of_half)
};
using half = __half;
struct alignas(4) __half2 {
  __half x, y;
};
using half2 = __half2;

TERN_SMALL_FLOAT_FUNCTIONS(__half, __half2)

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
inline unsigned short __half_as_ushort(__half x) {
  return x.bits;
}
inline __half __ushort_as_half(unsigned short bits) {
  return std::bit_cast<__half>(bits);
}

#endif
