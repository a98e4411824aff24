// Reductions over a warp and over a block. Every thread of the warp (or block) calls them, and all get the
// result.
#pragma once

#include "kernels/common/kernel.h"

namespace tern::kernels {

/// Butterfly: after log2(32) exchanges every lane has the same bits.
template <typename T, typename Combine>
__device__ T warp_reduce(T value, Combine combine) {
  for (int distance = kWarpSize / 2; distance > 0; distance /= 2) {
    value = combine(value, __shfl_xor_sync(kFullMask, value, distance));
  }
  return value;
}

__device__ inline float warp_sum(float value) {
  return warp_reduce(value, [](float a, float b) { return a + b; });
}
/// NaN if any lane has one.
__device__ inline float nan_max(float a, float b) {
  return a > b || isnan(a) ? a : b;
}
__device__ inline float warp_max(float value) {
  return warp_reduce(value, nan_max);
}

/// This thread's index in its block, of any dimensions, x fastest.
__device__ inline int thread_rank() {
  return static_cast<int>(threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z));
}

/// Over a block of whole warps (at most 32): within each warp, then over their results. `partial`: 32
/// elements of shared memory, free again after the block's next barrier, so the next reduction needs another
/// array.
template <typename T, typename Combine>
__device__ T block_reduce(T value, T identity, Combine combine, auto& partial) {
  const int lane = thread_rank() % kWarpSize, warp = thread_rank() / kWarpSize;
  const int warps = static_cast<int>(blockDim.x * blockDim.y * blockDim.z) / kWarpSize;
  value = warp_reduce(value, combine);
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  T result = identity;
  if (lane < warps) result = partial[lane];
  return warp_reduce(result, combine);
}

__device__ inline float block_sum(float value, auto& partial) {
  return block_reduce(
      value, 0.0f, [](float a, float b) { return a + b; }, partial);
}
__device__ inline float block_max(float value, auto& partial) {
  return block_reduce(value, -INFINITY, nan_max, partial);
}

}  // namespace tern::kernels
