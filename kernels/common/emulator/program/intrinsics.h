// CUDA's mathematical and bit functions that neither the C library nor emulator.h has. What a GPU computes fast and roughly
// is computed exactly here.
#pragma once

#include <limits.h>
#include <math.h>

#include <bit>
#include <type_traits>

#include "kernels/common/emulator/emulator.h"

// Some of these names are declared, but not defined, by the C library.
#define TERN_FLOAT_FUNCTION(name, of) \
  extern "C" inline float name(float x) noexcept { return of(x); }
TERN_FLOAT_FUNCTION(__expf, expf)
TERN_FLOAT_FUNCTION(__logf, logf)
TERN_FLOAT_FUNCTION(__log2f, log2f)
TERN_FLOAT_FUNCTION(__log10f, log10f)
TERN_FLOAT_FUNCTION(__sinf, sinf)
TERN_FLOAT_FUNCTION(__cosf, cosf)
TERN_FLOAT_FUNCTION(__tanf, tanf)
#undef TERN_FLOAT_FUNCTION
extern "C" inline float __powf(float x, float y) noexcept {
  return powf(x, y);
}
inline float __exp10f(float x) {
  return powf(10.0f, x);
}
inline void __sincosf(float x, float* sine, float* cosine) {
  *sine = sinf(x);
  *cosine = cosf(x);
}
inline float __saturatef(float x) {
  return x > 0.0f ? (x < 1.0f ? x : 1.0f) : 0.0f;
}
inline float __tanhf(float x) {
  return tanhf(x);
}

inline double rsqrt(double x) {
  return 1.0 / sqrt(x);
}
inline float rcbrtf(float x) {
  return 1.0f / cbrtf(x);
}
inline float fdividef(float x, float y) {
  return x / y;
}
inline float sinpif(float x) {
  return static_cast<float>(sin(M_PI * static_cast<double>(x)));
}
inline float cospif(float x) {
  return static_cast<float>(cos(M_PI * static_cast<double>(x)));
}
inline double sinpi(double x) {
  return sin(M_PI * x);
}
inline double cospi(double x) {
  return cos(M_PI * x);
}
inline float normcdff(float x) {
  return static_cast<float>(0.5 * erfc(-M_SQRT1_2 * static_cast<double>(x)));
}
inline double normcdf(double x) {
  return 0.5 * erfc(-M_SQRT1_2 * x);
}
inline float norm3df(float a, float b, float c) {
  return sqrtf(a * a + b * b + c * c);
}
inline float rnorm3df(float a, float b, float c) {
  return 1.0f / sqrtf(a * a + b * b + c * c);
}

// One operation rounded to nearest; the other directions are no matter of arithmetic here.
#define TERN_OPERATIONS(prefix, T, fma_of, sqrt_of)                            \
  inline T prefix##add_rn(T x, T y) { return x + y; }                          \
  inline T prefix##sub_rn(T x, T y) { return x - y; }                          \
  inline T prefix##mul_rn(T x, T y) { return x * y; }                          \
  inline T prefix##div_rn(T x, T y) { return x / y; }                          \
  inline T prefix##rcp_rn(T x) { return T{1} / x; }                            \
  inline T prefix##sqrt_rn(T x) { return sqrt_of(x); }
TERN_OPERATIONS(__f, float, fmaf, sqrtf)
TERN_OPERATIONS(__d, double, fma, sqrt)
#undef TERN_OPERATIONS
inline float __fmaf_rn(float x, float y, float z) {
  return fmaf(x, y, z);
}
inline double __fma_rn(double x, double y, double z) {
  return fma(x, y, z);
}
inline float __fdividef(float x, float y) {
  return x / y;
}
inline float __frsqrt_rn(float x) {
  return 1.0f / sqrtf(x);
}

// The smaller and the larger of two numbers of whatever types, in their common type.
template <typename A, typename B>
  requires(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>)
constexpr std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(fmin(static_cast<T>(a), static_cast<T>(b)));
  return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
}
template <typename A, typename B>
  requires(std::is_arithmetic_v<A> && std::is_arithmetic_v<B>)
constexpr std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>) return static_cast<T>(fmax(static_cast<T>(a), static_cast<T>(b)));
  return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
}
inline unsigned umin(unsigned a, unsigned b) {
  return a < b ? a : b;
}
inline unsigned umax(unsigned a, unsigned b) {
  return a < b ? b : a;
}

// Bits.
inline int __clz(int x) {
  return std::countl_zero(static_cast<unsigned>(x));
}
inline int __clzll(long long x) {
  return std::countl_zero(static_cast<unsigned long long>(x));
}
inline int __popcll(unsigned long long x) {
  return std::popcount(x);
}
inline int __ffsll(long long x) {
  return x == 0 ? 0 : std::countr_zero(static_cast<unsigned long long>(x)) + 1;
}
inline unsigned long long __brevll(unsigned long long x) {
  unsigned long long reversed = 0;
  for (int bit = 0; bit < 64; ++bit) reversed |= (x >> bit & 1) << (63 - bit);
  return reversed;
}
inline unsigned __brev(unsigned x) {
  return static_cast<unsigned>(__brevll(x) >> 32);
}
inline unsigned __byte_perm(unsigned x, unsigned y, unsigned selector) {
  const unsigned long long bytes = static_cast<unsigned long long>(y) << 32 | x;
  unsigned chosen = 0;
  for (int i = 0; i < 4; ++i) {
    const unsigned nibble = selector >> 4 * i & 15u;
    unsigned byte = static_cast<unsigned>(bytes >> 8 * (nibble & 7u)) & 255u;
    if ((nibble & 8u) != 0) byte = (byte & 128u) != 0 ? 255u : 0u;
    chosen |= byte << 8 * i;
  }
  return chosen;
}
inline unsigned __funnelshift_l(unsigned low, unsigned high, unsigned shift) {
  const unsigned long long both = static_cast<unsigned long long>(high) << 32 | low;
  return static_cast<unsigned>(both << (shift & 31u) >> 32);
}
inline unsigned __funnelshift_r(unsigned low, unsigned high, unsigned shift) {
  const unsigned long long both = static_cast<unsigned long long>(high) << 32 | low;
  return static_cast<unsigned>(both >> (shift & 31u));
}
inline int __mul24(int x, int y) {
  const auto low = [](int v) { return static_cast<long long>(static_cast<int>(static_cast<unsigned>(v) << 8) >> 8); };
  return static_cast<int>(low(x) * low(y));
}
inline unsigned __umul24(unsigned x, unsigned y) {
  return (x & 0xffffffu) * (y & 0xffffffu);
}
inline int __mulhi(int x, int y) {
  return static_cast<int>(static_cast<long long>(x) * y >> 32);
}
inline unsigned __umulhi(unsigned x, unsigned y) {
  return static_cast<unsigned>(static_cast<unsigned long long>(x) * y >> 32);
}
inline unsigned long long __umul64hi(unsigned long long x, unsigned long long y) {
  return static_cast<unsigned long long>(static_cast<unsigned __int128>(x) * y >> 64);
}
inline unsigned __sad(int x, int y, unsigned z) {
  return z + (x < y ? static_cast<unsigned>(y) - static_cast<unsigned>(x) : static_cast<unsigned>(x) - static_cast<unsigned>(y));
}
inline int __hadd(int x, int y) {
  return static_cast<int>((static_cast<long long>(x) + y) >> 1);
}
inline int __dp4a(int x, int y, int sum) {
  for (int i = 0; i < 4; ++i) sum += static_cast<signed char>(x >> 8 * i) * static_cast<signed char>(y >> 8 * i);
  return sum;
}

// Conversions. To integers they saturate, and NaN becomes 0, as on a GPU.
template <typename To>
To tern_to_integer(double x) {
  if (!(x == x)) return 0;
  constexpr To kLeast = std::is_signed_v<To> ? static_cast<To>(To{1} << (sizeof(To) * 8 - 1)) : To{0};
  constexpr To kMost = static_cast<To>(~kLeast);
  if (x <= static_cast<double>(kLeast)) return kLeast;
  return x >= static_cast<double>(kMost) ? kMost : static_cast<To>(x);
}
#define TERN_TO_INTEGER(from, T, to_name, To)                                                             \
  inline To __##from##2##to_name##_rn(T x) { return tern_to_integer<To>(rint(static_cast<double>(x))); }  \
  inline To __##from##2##to_name##_rz(T x) { return tern_to_integer<To>(trunc(static_cast<double>(x))); } \
  inline To __##from##2##to_name##_ru(T x) { return tern_to_integer<To>(ceil(static_cast<double>(x))); }  \
  inline To __##from##2##to_name##_rd(T x) { return tern_to_integer<To>(floor(static_cast<double>(x))); }
TERN_TO_INTEGER(float, float, int, int)
TERN_TO_INTEGER(float, float, uint, unsigned)
TERN_TO_INTEGER(float, float, ll, long long)
TERN_TO_INTEGER(float, float, ull, unsigned long long)
TERN_TO_INTEGER(double, double, int, int)
TERN_TO_INTEGER(double, double, uint, unsigned)
TERN_TO_INTEGER(double, double, ll, long long)
#undef TERN_TO_INTEGER
inline float __int2float_rn(int x) {
  return static_cast<float>(x);
}
inline float __uint2float_rn(unsigned x) {
  return static_cast<float>(x);
}
inline double __int2double_rn(int x) {
  return x;
}
inline double __uint2double_rn(unsigned x) {
  return x;
}
inline float __double2float_rn(double x) {
  return static_cast<float>(x);
}
inline unsigned __float_as_uint(float x) {
  return std::bit_cast<unsigned>(x);
}
inline float __uint_as_float(unsigned x) {
  return std::bit_cast<float>(x);
}
inline long long __double_as_longlong(double x) {
  return std::bit_cast<long long>(x);
}
inline double __longlong_as_double(long long x) {
  return std::bit_cast<double>(x);
}
inline int __double2hiint(double x) {
  return static_cast<int>(std::bit_cast<long long>(x) >> 32);
}
inline int __double2loint(double x) {
  return static_cast<int>(std::bit_cast<long long>(x));
}
inline double __hiloint2double(int high, int low) {
  return std::bit_cast<double>(static_cast<long long>(static_cast<unsigned long long>(static_cast<unsigned>(high)) << 32 |
                                                      static_cast<unsigned>(low)));
}

// Nanoseconds of the emulation, since there are no cycles of a GPU.
long long clock64();

template <typename T>
T __ldcg(const T* place) {
  return *place;
}
template <typename T>
T __ldcs(const T* place) {
  return *place;
}
template <typename T>
T __ldca(const T* place) {
  return *place;
}
template <typename T>
void __stcg(T* place, T value) {
  *place = value;
}
template <typename T>
void __stcs(T* place, T value) {
  *place = value;
}
