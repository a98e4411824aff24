// A sum over all rows that a kernel works on, in the same launch and in a fixed order: over the rows of each
// block, then over blocks by index, whichever block ends last.
#pragma once

#include "kernels/common/last_block.h"

namespace tern::kernels {

/// The sum over the rows of a block (one per threadIdx.y) of a value that all threads of a row have; the
/// block's first thread gets it. `partial`: as for block_reduce.
__device__ inline float sum_of_rows(float value, auto& partial) {
  if (blockDim.y == 1) return value;
  return block_sum(threadIdx.x == 0 ? value : 0.0f, partial);
}

/// Called once by every thread of every block; `of_block` is read from the first thread. True in all threads
/// of the block that ends last, where *total is the sum over blocks. `partials`: device memory, a float per
/// block; `arrivals`: as for is_last_block; `shared`: 32 doubles.
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
