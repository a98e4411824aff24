// CUDA's vectors of 1 to 4 numbers, with their alignment.
#pragma once

#include "kernels/common/emulator/emulator.h"

#define TERN_VECTORS(name, T, align2, align4)                                                    \
  struct name##1 {                                                                               \
    T x;                                                                                         \
  };                                                                                             \
  struct alignas(align2) name##2 {                                                               \
    T x, y;                                                                                      \
  };                                                                                             \
  struct alignas(align4) name##4 {                                                               \
    T x, y, z, w;                                                                                \
  };                                                                                             \
  constexpr name##1 make_##name##1(T x) { return {x}; }                                          \
  constexpr name##2 make_##name##2(T x, T y) { return {x, y}; }                                  \
  constexpr name##4 make_##name##4(T x, T y, T z, T w) { return {x, y, z, w}; }
#define TERN_VECTOR3(name, T) \
  struct name##3 {            \
    T x, y, z;                \
  };
#define TERN_MAKE3(name, T) \
  constexpr name##3 make_##name##3(T x, T y, T z) { return {x, y, z}; }

TERN_VECTORS(char, signed char, 2, 4)
TERN_VECTORS(uchar, unsigned char, 2, 4)
TERN_VECTORS(short, short, 4, 8)
TERN_VECTORS(ushort, unsigned short, 4, 8)
TERN_VECTORS(int, int, 8, 16)
TERN_VECTORS(uint, unsigned, 8, 16)
TERN_VECTORS(long, long, 16, 16)
TERN_VECTORS(ulong, unsigned long, 16, 16)
TERN_VECTORS(longlong, long long, 16, 16)
TERN_VECTORS(ulonglong, unsigned long long, 16, 16)
TERN_VECTORS(float, float, 8, 16)
TERN_VECTORS(double, double, 16, 16)

TERN_VECTOR3(char, signed char)
TERN_VECTOR3(uchar, unsigned char)
TERN_VECTOR3(short, short)
TERN_VECTOR3(ushort, unsigned short)
TERN_VECTOR3(int, int)
TERN_VECTOR3(long, long)
TERN_VECTOR3(ulong, unsigned long)
TERN_VECTOR3(longlong, long long)
TERN_VECTOR3(ulonglong, unsigned long long)
TERN_VECTOR3(float, float)
TERN_VECTOR3(double, double)

TERN_MAKE3(char, signed char)
TERN_MAKE3(uchar, unsigned char)
TERN_MAKE3(short, short)
TERN_MAKE3(ushort, unsigned short)
TERN_MAKE3(int, int)
TERN_MAKE3(uint, unsigned)  // emulator.h has the type
TERN_MAKE3(long, long)
TERN_MAKE3(ulong, unsigned long)
TERN_MAKE3(longlong, long long)
TERN_MAKE3(ulonglong, unsigned long long)
TERN_MAKE3(float, float)
TERN_MAKE3(double, double)

#undef TERN_VECTORS
#undef TERN_VECTOR3
#undef TERN_MAKE3
