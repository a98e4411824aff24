// A sum over every thread of a launch, within that launch and in a fixed order: threads within blocks, then
// blocks by number, whichever ends last.
#pragma once

#include "kernels/common/last_block.h"

namespace tern::kernels {

/// Called by every thread of every block, once. True in all threads of the block that ends last, where *total
/// is the sum. `partials`: device memory, a float a block; `arrivals`: as is_last_block's; `shared`: 32
/// doubles.
__device__ inline bool sum_over_grid(float value, float* partials, unsigned* arrivals, double* total,
                                     auto& shared) {
  const auto add = [](double a, double b) { return a + b; };
  const double of_block = block_reduce(static_cast<double>(value), 0.0, add, shared);
  if (thread_rank() == 0) partials[blockIdx.x] = static_cast<float>(of_block);
  if (!is_last_block(arrivals)) return false;
  double sum = 0;
  const unsigned threads = blockDim.x * blockDim.y * blockDim.z;
  for (unsigned i = static_cast<unsigned>(thread_rank()); i < gridDim.x; i += threads) {
    sum += static_cast<double>(partials[i]);
  }
  *total = block_reduce(sum, 0.0, add, shared);
  return true;
}

}  // namespace tern::kernels
