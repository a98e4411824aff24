// Batch normalisation (+ residual)(+ ReLU) over the rows of [rows, channels], channels last; x, y, gradients
// are T (float or bfloat16), parameters and statistics f32. Statistics are one pass of x - x[0] (Chan's
// formula, merged in a fixed order), so a large mean costs no precision and a run is repeatable. Training and
// backward take two launches each, but one up to one_launch_rows rows: a block then has all rows of 32 bytes of channels, and
// the memory moves x (and dy, y) once, not twice. Inference takes one.
//
//   y = relu(gamma (x - mean) inverse_std + beta + residual)
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// Up to so many rows one launch is taken. The emulator predicts for an H200 2.5 to 4.4 us instead of 5.0 at 1,024 rows, but 6.5 to 17
/// instead of 5.0 to 6.2 at 4,096, where a block's multiprocessor has too much to load alone. No GPU has measured it.
inline constexpr std::int64_t kBatchNormOneLaunchRows = 1024;

/// For training and backward: as in cross_entropy.h. Only the first KiB must be zeros, and every call leaves
/// zeros there, so that calls of any shapes, and of sum_rows, may share one workspace of the largest size.
std::size_t batch_norm_workspace_bytes(std::int64_t rows, std::int64_t channels);

/// rows >= 2. Writes mean and inverse_std = 1 / sqrt(biased variance + epsilon) [channels], moves the running
/// statistics (running = (1 - momentum) running + momentum batch, unbiased variance) and writes y; residual
/// may be null; y may alias x. rows = 0 writes nothing.
template <typename T>
void batch_norm_training(const T* x, const float* gamma, const float* beta, const T* residual, bool relu,
                         float epsilon, float momentum, float* running_mean, float* running_variance,
                         float* mean, float* inverse_std, T* y, void* workspace, std::int64_t rows,
                         std::int64_t channels, Stream stream,
                         std::int64_t one_launch_rows = kBatchNormOneLaunchRows);
/// y by the running statistics; y may alias x. rows = 0 writes nothing.
template <typename T>
void batch_norm_inference(const T* x, const float* gamma, const float* beta, const T* residual, bool relu,
                          float epsilon, const float* running_mean, const float* running_variance, T* y,
                          std::int64_t rows, std::int64_t channels, Stream stream);
/// With g = 0 where y <= 0, else dy (y null: g = dy; with beta, for batch statistics: g = 0 where gamma xhat + beta <= 0,
/// which is as much where there was no residual, and reads less): dbeta = sum g, dgamma = sum g xhat, dresidual = g (or
/// null), and dx = gamma inverse_std (g - (dbeta + xhat dgamma) / rows), without the bracket unless
/// batch_statistics. dx and dresidual may alias dy (not each other). rows = 0 gives dbeta = dgamma = 0.
template <typename T>
void batch_norm_backward(const T* x, const T* y, const T* dy, const float* gamma, const float* beta,
                         const float* mean, const float* inverse_std, bool batch_statistics, T* dx,
                         float* dgamma, float* dbeta, T* dresidual, void* workspace, std::int64_t rows,
                         std::int64_t channels, Stream stream,
                         std::int64_t one_launch_rows = kBatchNormOneLaunchRows);

}  // namespace tern::kernels
