// What every kernel (.cu) includes: CUDA's language, or the emulator's stand-in, and shared memory that
// both know.
//
//   TERN_SHARED(float, partial, 32);            a __shared__ array of 32 floats
//   TERN_DYNAMIC_SHARED(float, row);            the launch's dynamic shared memory, once per kernel
//
// The emulator knows each element's last reader and writer: an index outside, a read of what nobody wrote and two
// threads that meet without a barrier between them stop the kernel with an error.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/compiler.h"
#include "kernels/common/launch.h"
#include "kernels/common/stream.h"

#if defined(TERN_NVCC)
#define TERN_SHARED(T, name, count) __shared__ T name[count]
#define TERN_DYNAMIC_SHARED(T, name)                                         \
  extern __shared__ __align__(16) unsigned char tern_dynamic_shared_bytes[]; \
  T* const name = reinterpret_cast<T*>(tern_dynamic_shared_bytes)
#else
#define TERN_SHARED(T, name, count) \
  T(&name)                          \
  [count] =                         \
      *static_cast<T(*)[count]>(::tern::emulator::shared_array(#name, __FILE__, __LINE__, sizeof(T), count))
#define TERN_DYNAMIC_SHARED(T, name) \
  T* const name = static_cast<T*>(::tern::emulator::dynamic_shared_array(#name, sizeof(T)))
#endif

namespace tern::kernels {

inline constexpr int kWarpSize = 32;
inline constexpr unsigned kFullMask = 0xffffffffu;

TERN_HOST_DEVICE constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

}  // namespace tern::kernels
