// CUDA's functions between threads of a warp and of a block that emulator.h has not.
#pragma once

#include "kernels/common/emulator/emulator.h"

namespace tern::emulator::program {

/// The caller's lane, and the first of its group of `width` lanes.
struct Group {
  int lane = static_cast<int>(emulator::lane()), first;
  explicit Group(int width) : first(lane & ~(width - 1)) {}
};

/// The lanes of the caller's warp that the block has.
inline unsigned warp_lanes() {
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
  const unsigned rest = threads - thread / 32 * 32;
  return rest >= 32 ? ~0u : (1u << rest) - 1;
}

/// What each lane of `mask` brought, combined from the first on.
template <typename T, typename Combine>
T combine_lanes(const char* operation, unsigned mask, T value, TernPlace where, Combine combine) {
  T result{};
  bool is_first = true;
  for (int source = 0; source < 32; ++source) {
    if ((mask >> source & 1u) == 0) continue;
    const T other = shuffle(operation, mask, value, source, where);
    result = is_first ? other : combine(result, other);
    is_first = false;
  }
  return result;
}

}  // namespace tern::emulator::program

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width, TernPlace where = TernPlace::current()) {
  const tern::emulator::program::Group group(width);
  return tern::emulator::shuffle("__shfl_sync", mask, value, group.first | (source & (width - 1)), where);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width, TernPlace where = TernPlace::current()) {
  const tern::emulator::program::Group group(width);
  const int source = group.lane ^ bits;
  return tern::emulator::shuffle("__shfl_xor_sync", mask, value, source < group.first + width ? source : group.lane,
                                 where);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned distance, int width, TernPlace where = TernPlace::current()) {
  const tern::emulator::program::Group group(width);
  const int source = group.lane + static_cast<int>(distance);
  return tern::emulator::shuffle("__shfl_down_sync", mask, value,
                                 source < group.first + width ? source : group.lane, where);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned distance, int width, TernPlace where = TernPlace::current()) {
  const tern::emulator::program::Group group(width);
  const int source = group.lane - static_cast<int>(distance);
  return tern::emulator::shuffle("__shfl_up_sync", mask, value, source >= group.first ? source : group.lane, where);
}

inline int __syncthreads_and(int predicate, TernPlace where = TernPlace::current()) {
  return tern::emulator::meet_block("__syncthreads_and", predicate == 0, where) == 0;
}

/// A GPU may answer with any set that holds the caller: its lanes need not run together. This one has them run alone.
inline unsigned __activemask() {
  return 1u << tern::emulator::lane();
}

template <typename T>
unsigned __match_any_sync(unsigned mask, T value, TernPlace where = TernPlace::current()) {
  unsigned equal = 0;
  for (int source = 0; source < 32; ++source) {
    if ((mask >> source & 1u) == 0) continue;
    if (tern::emulator::shuffle("__match_any_sync", mask, value, source, where) == value) equal |= 1u << source;
  }
  return equal;
}
template <typename T>
unsigned __match_all_sync(unsigned mask, T value, int* all, TernPlace where = TernPlace::current()) {
  *all = __match_any_sync(mask, value, where) == mask;
  return *all != 0 ? mask : 0;
}

#define TERN_REDUCE(name, expression)                                                         \
  template <typename T>                                                                       \
  T name(unsigned mask, T value, TernPlace where = TernPlace::current()) {                    \
    static_assert(sizeof(T) == 4 && std::is_integral_v<T>, #name " takes int and unsigned");  \
    return tern::emulator::program::combine_lanes(#name, mask, value, where,                  \
                                                  [](T a, T b) -> T { return expression; });  \
  }
TERN_REDUCE(__reduce_add_sync, a + b)
TERN_REDUCE(__reduce_min_sync, b < a ? b : a)
TERN_REDUCE(__reduce_max_sync, a < b ? b : a)
TERN_REDUCE(__reduce_and_sync, a& b)
TERN_REDUCE(__reduce_or_sync, a | b)
TERN_REDUCE(__reduce_xor_sync, a ^ b)
#undef TERN_REDUCE

inline void __threadfence_system() {
  __threadfence();
}
inline void __nanosleep(unsigned) {}
