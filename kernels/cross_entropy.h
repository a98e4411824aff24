// Softmax cross-entropy with its gradient, in one launch, or two for more than 1024 rows: the mean over the rows
// whose target is not ignore_index.
//
//   t = (1 - s) onehot(target) + s / cols        loss_r = -sum_c t_c log softmax(x_r)_c
//   loss = sum_r loss_r / counted                dlogits_r = (softmax(x_r) - t) / counted, 0 if ignored
//
// The row losses are summed in a fixed order, so a run is repeatable.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// Bytes of device memory that cross_entropy needs beside its arguments; zeroed by the caller once, and left
/// zeroed where it must be by every call.
std::size_t cross_entropy_workspace_bytes(std::int64_t rows);

/// logits, dlogits [rows, cols] (may be the same memory), targets [rows] in 0..cols-1 or ignore_index, loss
/// [1] (0 if no row counts). rows = 0 gives loss 0. T is float or bfloat16, the arithmetic f32. Any other
/// target reads nothing outside: it makes its row's gradient and the loss NaN.
template <typename T>
void cross_entropy(const T* logits, const std::int32_t* targets, float label_smoothing,
                   std::int32_t ignore_index, float* loss, T* dlogits, void* workspace, std::int64_t rows,
                   std::int64_t cols, Stream stream);

}  // namespace tern::kernels
