// CUDA's language on the CPU: the built-in variables and functions that kernels use, each with CUDA's
// meaning.
//
// A launch runs block after block. A block's threads, each on a stack of its own, run in turn until each waits for the others:
// at __syncthreads, __syncwarp, a shuffle or a vote. If some wait for threads that will never come, the launch ends with an
// error that says who waits where; see also shared_memory.h and accesses.h. Since one thread runs at a time, atomics are plain
// additions, and what one block hands to another through global memory arrives even where a GPU would want a fence. Who may
// not rely on that, and on the order of blocks and threads, is found when asked for: global_memory.h.
#pragma once

#include <math.h>

#include <algorithm>
#include <bit>
#include <concepts>
#include <cstdint>
#include <functional>
#include <source_location>
#include <span>
#include <type_traits>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)

// A function whose accesses to memory the compiler does not tell of (accesses.h).
#define TERN_UNTOLD __attribute__((no_sanitize("thread")))

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;

  constexpr dim3() = default;
  template <std::convertible_to<unsigned> X, std::convertible_to<unsigned> Y = unsigned,
            std::convertible_to<unsigned> Z = unsigned>
  constexpr dim3(X x_extent, Y y_extent = 1, Z z_extent = 1)  // NOLINT: CUDA's converts, too
      : x(static_cast<unsigned>(x_extent)),
        y(static_cast<unsigned>(y_extent)),
        z(static_cast<unsigned>(z_extent)) {}
  constexpr dim3(uint3 extents) : dim3(extents.x, extents.y, extents.z) {}  // NOLINT: as before
  constexpr operator uint3() const { return {x, y, z}; }
};

// Of the thread that runs. No thread sees them change, so to the compiler of kernels they are constants; the emulator sets
// them under their other names.
extern const uint3 threadIdx asm("tern_thread_index"), blockIdx asm("tern_block_index");
extern const uint3 blockDim asm("tern_block_extents"), gridDim asm("tern_grid_extents");
extern const unsigned tern_lane asm("tern_lane_of_thread");  ///< in its warp

namespace tern::emulator {

inline constexpr std::size_t kMaxSharedBytes = 227 << 10;  ///< what a block may have on sm_90

/// Which kernel a launch is of: its function, or its name as the source has it, for a kernel that is known by name alone.
struct KernelId {
  const void* function = nullptr;
  const char* name = nullptr;
};

/// Runs `kernel`, which owns its arguments, once for each thread of each block. Throws Error for what the
/// emulator catches, or what the kernel throws; the launch ends there.
void run(const KernelId& id, dim3 grid, dim3 block, std::size_t shared_bytes,
         const std::function<void()>& kernel);

/// Called before the first thread of a launch runs and after the last, or null: so that memory that plays a
/// device's can be closed to everything but kernels. For the whole program.
void set_launch_guard(void (*begin)(), void (*end)());

/// Given a launch instead of its being done, or null: so that a device in tests can record work and do it
/// later. For the whole program.
void set_launch_recorder(void (*recorder)(std::function<void()> launch));

/// Launches so far, so that a test can count those of an operation.
std::int64_t launch_count();

/// The lanes of `mask`, which must contain the caller, wait for one another: what they did to memory before comes before what
/// they do to it after.
void meet_warp(const char* operation, unsigned mask, std::source_location where);
/// The threads of the block wait for one another; the number of those that brought true.
int meet_block(const char* operation, bool brought, std::source_location where);
inline unsigned lane() {
  return tern_lane;
}
/// What lane `source` brought; the caller's own bits where source lies outside 0..31.
std::uint64_t shuffle_bits(const char* operation, unsigned mask, std::uint64_t bits, int source,
                           std::source_location where);

template <typename T>
T shuffle(const char* operation, unsigned mask, T value, int source, std::source_location where) {
  static_assert(sizeof(T) == 4 || sizeof(T) == 8, "CUDA shuffles 4 and 8 bytes");
  using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
  return std::bit_cast<T>(
      static_cast<Bits>(shuffle_bits(operation, mask, std::bit_cast<Bits>(value), source, where)));
}
/// The lanes that brought true.
unsigned ballot(const char* operation, unsigned mask, bool brought, std::source_location where);

/// An array that the kernel declares with __shared__, and the launch's dynamic shared memory (shared_memory.h).
/// `inner`: its extents but the first, {33} of float[32][33]; they outlive the launch.
void* shared_array(const char* name, const char* file, int line, std::size_t element_bytes, std::size_t count,
                   std::span<const std::size_t> inner = {});
void* dynamic_shared_array(const char* name, std::size_t element_bytes);

/// Orders this thread's accesses before and after for all threads, or those of its block (global_memory.h).
void fence(bool of_block);
/// Before a read and a write that nothing comes between.
void note_atomic(const void* address, std::size_t bytes, std::source_location where);
void note_compare_and_swap(const void* address, std::size_t bytes, std::source_location where);

}  // namespace tern::emulator

using TernPlace = std::source_location;

inline void __syncthreads(TernPlace where = TernPlace::current()) {
  tern::emulator::meet_block("__syncthreads", false, where);
}
inline int __syncthreads_count(int predicate, TernPlace where = TernPlace::current()) {
  return tern::emulator::meet_block("__syncthreads_count", predicate != 0, where);
}
inline int __syncthreads_or(int predicate, TernPlace where = TernPlace::current()) {
  return tern::emulator::meet_block("__syncthreads_or", predicate != 0, where) > 0;
}
inline void __syncwarp(unsigned mask = 0xffffffffu, TernPlace where = TernPlace::current()) {
  tern::emulator::meet_warp("__syncwarp", mask, where);
}

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, TernPlace where = TernPlace::current()) {
  return tern::emulator::shuffle("__shfl_sync", mask, value, source & 31, where);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, TernPlace where = TernPlace::current()) {
  return tern::emulator::shuffle("__shfl_xor_sync", mask, value,
                                 static_cast<int>(tern::emulator::lane()) ^ bits, where);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, int distance, TernPlace where = TernPlace::current()) {
  return tern::emulator::shuffle("__shfl_down_sync", mask, value,
                                 static_cast<int>(tern::emulator::lane()) + distance, where);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, int distance, TernPlace where = TernPlace::current()) {
  return tern::emulator::shuffle("__shfl_up_sync", mask, value,
                                 static_cast<int>(tern::emulator::lane()) - distance, where);
}
inline unsigned __ballot_sync(unsigned mask, int predicate, TernPlace where = TernPlace::current()) {
  return tern::emulator::ballot("__ballot_sync", mask, predicate != 0, where);
}
inline int __any_sync(unsigned mask, int predicate, TernPlace where = TernPlace::current()) {
  return __ballot_sync(mask, predicate, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate, TernPlace where = TernPlace::current()) {
  return __ballot_sync(mask, predicate, where) == mask;
}

inline void __threadfence() {
  tern::emulator::fence(/*of_block=*/false);
}
inline void __threadfence_block() {
  tern::emulator::fence(/*of_block=*/true);
}

template <typename T>
TERN_UNTOLD T atomicAdd(T* place, std::type_identity_t<T> value, TernPlace where = TernPlace::current()) {
  tern::emulator::note_atomic(place, sizeof(T), where);
  const T before = *place;
  *place = before + value;
  return before;
}
template <typename T>
TERN_UNTOLD T atomicMax(T* place, std::type_identity_t<T> value, TernPlace where = TernPlace::current()) {
  tern::emulator::note_atomic(place, sizeof(T), where);
  const T before = *place;
  *place = std::max(before, value);
  return before;
}

// Instructions of a GPU; the C library's are calls. A NaN yields to a number.
extern "C" {
[[gnu::gnu_inline, gnu::always_inline]] extern inline float fmaxf(float a, float b) noexcept {
  if (a != a) [[unlikely]]
    return b;
  return b > a ? b : a;  // a, if b is a NaN
}
[[gnu::gnu_inline, gnu::always_inline]] extern inline float fminf(float a, float b) noexcept {
  if (a != a) [[unlikely]]
    return b;
  return b < a ? b : a;
}
}

template <typename T>
T __ldg(const T* place) {
  return *place;
}
inline float rsqrtf(float x) {
  return 1.0f / sqrtf(x);
}
inline int __popc(unsigned bits) {
  return std::popcount(bits);
}
inline int __ffs(int bits) {
  return bits == 0 ? 0 : std::countr_zero(static_cast<unsigned>(bits)) + 1;
}
inline int __float_as_int(float x) {
  return std::bit_cast<int>(x);
}
inline float __int_as_float(int bits) {
  return std::bit_cast<float>(bits);
}
