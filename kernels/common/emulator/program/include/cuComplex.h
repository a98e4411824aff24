// CUDA's complex numbers.
#ifndef TERN_CU_COMPLEX_H
#define TERN_CU_COMPLEX_H

#include <cuda_runtime.h>

using cuFloatComplex = float2;
using cuDoubleComplex = double2;
using cuComplex = cuFloatComplex;

#define TERN_COMPLEX(Complex, T, f, make, hypotenuse)                            \
  constexpr Complex make_cu##make(T real, T imaginary) {                         \
    return {real, imaginary};                                                    \
  }                                                                              \
  constexpr T cuCreal##f(Complex x) {                                            \
    return x.x;                                                                  \
  }                                                                              \
  constexpr T cuCimag##f(Complex x) {                                            \
    return x.y;                                                                  \
  }                                                                              \
  constexpr Complex cuConj##f(Complex x) {                                       \
    return {x.x, -x.y};                                                          \
  }                                                                              \
  constexpr Complex cuCadd##f(Complex x, Complex y) {                            \
    return {x.x + y.x, x.y + y.y};                                               \
  }                                                                              \
  constexpr Complex cuCsub##f(Complex x, Complex y) {                            \
    return {x.x - y.x, x.y - y.y};                                               \
  }                                                                              \
  constexpr Complex cuCmul##f(Complex x, Complex y) {                            \
    return {x.x * y.x - x.y * y.y, x.x * y.y + x.y * y.x};                       \
  }                                                                              \
  constexpr Complex cuCdiv##f(Complex x, Complex y) {                            \
    const T square = y.x * y.x + y.y * y.y;                                      \
    return {(x.x * y.x + x.y * y.y) / square, (x.y * y.x - x.x * y.y) / square}; \
  }                                                                              \
  constexpr Complex cuCfma##f(Complex x, Complex y, Complex z) {                 \
    return cuCadd##f(cuCmul##f(x, y), z);                                        \
  }                                                                              \
  inline T cuCabs##f(Complex x) {                                                \
    return hypotenuse(x.x, x.y);                                                 \
  }
TERN_COMPLEX(cuFloatComplex, float, f, FloatComplex, hypotf)
TERN_COMPLEX(cuDoubleComplex, double, , DoubleComplex, hypot)
#undef TERN_COMPLEX

constexpr cuComplex make_cuComplex(float real, float imaginary) {
  return {real, imaginary};
}
constexpr cuDoubleComplex cuComplexFloatToDouble(cuFloatComplex x) {
  return {x.x, x.y};
}
constexpr cuFloatComplex cuComplexDoubleToFloat(cuDoubleComplex x) {
  return {static_cast<float>(x.x), static_cast<float>(x.y)};
}

#endif
