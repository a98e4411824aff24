// Sums over rows. T is float or bfloat16.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// sum[c] = sum_r x[r, c], in a fixed order; rows = 0 gives zeros. One launch; `workspace` as in
/// batch_norm.h.
template <typename T>
void sum_rows(const T* x, float* sum, void* workspace, std::int64_t rows, std::int64_t cols, Stream stream);
std::size_t sum_rows_workspace_bytes(std::int64_t rows, std::int64_t cols);

}  // namespace tern::kernels
