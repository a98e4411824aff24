// A sum over the rows of a launch, within that launch and in a fixed order: rows within blocks, then blocks
// by number, whichever ends last.
#pragma once

#include "kernels/common/last_block.h"

namespace tern::kernels {

/// The sum over a block's rows, in its first thread: threadIdx.y is the row, whose threads all have its
/// value. `partial`: as block_reduce's.
__device__ inline float sum_of_rows(float value, auto& partial) {
  if (blockDim.y == 1) return value;
  return block_sum(threadIdx.x == 0 ? value : 0.0f, partial);
}

/// Called by every thread of every block, once; of_block is the first thread's. True in all threads of the
/// block that ends last, where *total is the sum. `partials`: device memory, a float a block; `arrivals`: as
/// is_last_block's; `shared`: 32 doubles.
__device__ inline bool sum_over_grid(float of_block, float* partials, unsigned* arrivals, double* total,
                                     auto& shared) {
  if (thread_rank() == 0) partials[blockIdx.x] = of_block;
  if (!is_last_block(arrivals)) return false;
  double sum = 0;
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  for (unsigned i = static_cast<unsigned>(thread_rank()); i < gridDim.x; i += threads) {
    sum += static_cast<double>(partials[i]);
  }
  *total = block_reduce(
      sum, 0.0, [](double a, double b) { return a + b; }, shared);
  return true;
}

}  // namespace tern::kernels
