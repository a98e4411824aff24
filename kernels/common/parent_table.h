// What the children of each parent add up to, gathered by all threads of a row in shared memory.
#pragma once

#include "kernels/common/float_order.h"
#include "kernels/common/kernel.h"

namespace tern::kernels {

/// What a row's threads share about each parent k: m_k, the largest logit of its children; S_k, the sum of their
/// exp((b_i - m_k) / T); then the factor of its children's gradients. Gathered by integer atomics, whose result does not
/// depend on their order: m_k as an integer of the same order, S_k, which is at least 1, in fixed point with 32 fractional
/// bits.
template <typename Shared>
struct ParentTable {
  Shared& words;  ///< three for each parent of each of the block's rows
  int first, parents;

  __device__ void clear(int k) const { words[max_at(k)] = words[high_at(k)] = words[low_at(k)] = 0; }
  __device__ void raise_max(int k, float logit) const { atomicMax(&words[max_at(k)], order_of(logit)); }
  __device__ bool has_children(int k) const { return words[max_at(k)] != 0; }
  __device__ float max(int k) const { return value_of(words[max_at(k)]); }

  __device__ void add(int k, float exponential) const {
    const float scaled = exponential * (1 << 16);
    const auto integer = static_cast<std::uint32_t>(scaled);
    atomicAdd(&words[high_at(k)], integer);
    atomicAdd(&words[low_at(k)],
              static_cast<std::uint32_t>((scaled - static_cast<float>(integer)) * (1 << 16)));
  }
  __device__ float sum(int k) const {
    return static_cast<float>(words[high_at(k)]) / (1 << 16) +
           static_cast<float>(words[low_at(k)]) / 4294967296.0f;
  }
  /// Replaces S_k.
  __device__ void set_child_factor(int k, float factor) const {
    words[low_at(k)] = __builtin_bit_cast(std::uint32_t, factor);
  }
  __device__ float child_factor(int k) const {
    return __builtin_bit_cast(float, static_cast<std::uint32_t>(words[low_at(k)]));
  }

 private:
  __device__ int max_at(int k) const { return first + k; }
  __device__ int high_at(int k) const { return first + parents + k; }
  __device__ int low_at(int k) const { return first + 2 * parents + k; }
};

}  // namespace tern::kernels
