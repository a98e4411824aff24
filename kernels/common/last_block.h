// One launch instead of two: every block leaves a partial result in device memory, and the block that ends
// last combines them, in an order that does not depend on which block that was.
//
//   partials[blockIdx.x] = block_sum(...);
//   if (is_last_block(arrivals)) { ... sum partials[0 .. gridDim.x) ... }
#pragma once

#include "kernels/common/reduce.h"

namespace tern::kernels {

/// Called by every thread of `blocks` blocks, once; true in all threads of the block that comes last, which
/// may read what any thread of those blocks wrote before its call. `arrivals`: device memory, 0 before the
/// launch and 0 after.
__device__ inline bool is_last_block(unsigned* arrivals, unsigned blocks) {
  __syncthreads();
  if (blocks == 1) return true;
  bool last = false;
  if (thread_rank() == 0) {  // the barriers on both sides make its fences count for the whole block
    __threadfence();         // the block's writes are visible before it is counted
    last = atomicAdd(arrivals, 1u) + 1 == blocks;
    if (last) {
      *arrivals = 0;
      __threadfence();  // nothing is read before every block was counted
    }
  }
  return __syncthreads_or(last) != 0;
}

/// Of the whole grid.
__device__ inline bool is_last_block(unsigned* arrivals) {
  return is_last_block(arrivals, gridDim.x * gridDim.y * gridDim.z);
}

}  // namespace tern::kernels
