// What the benchmarks need of a GPU beside the kernels they measure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "kernels/common/stream.h"

namespace tern::bench {

/// y[i] = a value in [low, high) that depends on (seed, i) alone, then made a T: rounded towards 0 for
/// integers, to nearest for bfloat16. T is float, bfloat16, std::int32_t or std::uint8_t.
template <typename T>
void fill_random(T* y, std::int64_t n, float low, float high, std::uint64_t seed, Stream stream);
/// Reads n floats and writes none, so that the L2 cache holds them, unchanged, and nothing else.
void read_all(const float* x, std::int64_t n, float* never_written, Stream stream);
void launch_empty(Stream stream);
/// y[i] = x[i * step] of `count` elements, as floats; on the default stream. T is float or bfloat16.
template <typename T>
void gather(const T* x, std::int64_t count, std::int64_t step, float* y);

/// Device memory, freed with the last copy. Throws Error if there is not enough.
std::shared_ptr<void> allocate(std::size_t bytes);
/// Between any two memories, once all that was issued is done.
void copy(void* to, const void* from, std::size_t bytes);
/// Every bit 1: NaN in any float type.
void poison(void* memory, std::size_t bytes);
void zero(void* memory, std::size_t bytes);

}  // namespace tern::bench
