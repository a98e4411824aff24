// Loads and stores of several elements at once, up to the 16 bytes that one instruction moves. Kernels use
// them where pointers and widths allow.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/compiler.h"

namespace tern::kernels {

/// N elements that are loaded and stored by one instruction; N * sizeof(T) is 2, 4, 8 or 16.
template <typename T, int N>
struct alignas(sizeof(T) * N) Vector {
  T values[N];

  TERN_HOST_DEVICE T& operator[](int i) { return values[i]; }
  TERN_HOST_DEVICE const T& operator[](int i) const { return values[i]; }
};

/// Elements in 16 bytes: 4 floats, 8 bfloat16s.
template <typename T>
inline constexpr int kVectorWidth = static_cast<int>(16 / sizeof(T));

/// Tells the compiler that p points to global memory, which it cannot know of pointers read from memory.
template <typename P>
TERN_HOST_DEVICE P* global(P* p) {
#if defined(__CUDA_ARCH__)
  __builtin_assume(__isGlobal(p));
#endif
  return p;
}

/// p is in global memory, aligned to N * sizeof(T) bytes.
template <int N, typename T>
TERN_HOST_DEVICE Vector<T, N> load_vector(const T* p) {
  return *reinterpret_cast<const Vector<T, N>*>(global(p));
}
template <int N, typename T>
TERN_HOST_DEVICE void store_vector(T* p, const Vector<T, N>& values) {
  *reinterpret_cast<Vector<T, N>*>(global(p)) = values;
}
/// The same by CUDA's own function, where the compiler would split an assignment into several stores.
template <int N, typename T>
TERN_HOST_DEVICE void store_whole(T* p, const Vector<T, N>& values) {
#if defined(__CUDA_ARCH__)
  if constexpr (N > 1 && sizeof(values) == 16) {
    return __stwb(reinterpret_cast<uint4*>(p), __builtin_bit_cast(uint4, values));
  } else if constexpr (N > 1 && sizeof(values) == 8) {
    return __stwb(reinterpret_cast<uint2*>(p), __builtin_bit_cast(uint2, values));
  }
#endif
  store_vector(p, values);
}

/// v[k] as float. Two bfloat16s share a register, from which one instruction makes a float of either;
/// extracting the bfloat16 first would take another one.
template <typename T, int N>
TERN_HOST_DEVICE float float_at(const Vector<T, N>& v, int k) {
  if constexpr (sizeof(T) == 2 && N > 1) {
    struct Pairs {
      std::uint32_t bits[N / 2];
    };
    const std::uint32_t pair = __builtin_bit_cast(Pairs, v).bits[k / 2];
    return __builtin_bit_cast(float, k % 2 == 0 ? pair << 16 : pair & 0xffff0000u);
  } else {
    return static_cast<float>(v[k]);
  }
}

/// True if p is a multiple of 16 bytes.
inline bool is_aligned(const void* p) {
  return reinterpret_cast<std::uintptr_t>(p) % 16 == 0;
}

/// True if every row of `cols` elements begins on 16 bytes, in each of the matrices that begin at the
/// pointers.
template <typename T, typename... Pointers>
bool vectorizes(std::int64_t cols, const T* first, const Pointers*... rest) {
  return cols % kVectorWidth<T> == 0 && is_aligned(first) && (is_aligned(rest) && ...);
}

}  // namespace tern::kernels
