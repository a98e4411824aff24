// Ladder: batch normalisation in training, y[row][c] = gamma[c] (x[row][c] - mean[c]) / sqrt(variance[c] + epsilon) + beta[c], mean
// and variance over the rows, channels last.
//
// Sums run down the columns and memory along the rows: whoever gives each channel a block of its own reads against the grain. The
// floor is two reads of x and one write. The last rung is the engine's own (kernels/batch_norm.cu).
#include "kernels/batch_norm.cu"
#include "learn/ladder.h"

constexpr float kEpsilon = 1e-5f;

// A thread a channel: neighbours read neighbours, but only as many threads as channels are at work.
__global__ void thread_per_channel(const float* x, const float* gamma, const float* beta, float* y, int rows,
                                   int channels) {
  const int c = blockIdx.x * blockDim.x + threadIdx.x;
  if (c >= channels) return;
  float sum = 0, squares = 0;
  for (int row = 0; row < rows; ++row) sum += x[row * channels + c];
  const float mean = sum / rows;
  for (int row = 0; row < rows; ++row)
    squares += (x[row * channels + c] - mean) * (x[row * channels + c] - mean);
  const float scale = gamma[c] * rsqrtf(squares / rows + kEpsilon);
  for (int row = 0; row < rows; ++row)
    y[row * channels + c] = scale * (x[row * channels + c] - mean) + beta[c];
}

__device__ float sum_of_block(float value, float* partial) {
  const int thread = threadIdx.x;
  partial[thread] = value;
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) partial[thread] += partial[thread + half];
  }
  __syncthreads();
  const float sum = partial[0];
  __syncthreads();  // before the next use of partial
  return sum;
}

// A block a channel: many threads, and every one of them in a sector of its own.
__global__ void block_per_channel(const float* x, const float* gamma, const float* beta, float* y, int rows,
                                  int channels) {
  __shared__ float partial[128];
  const int c = blockIdx.x;
  float sum = 0, squares = 0;
  for (int row = threadIdx.x; row < rows; row += blockDim.x) sum += x[row * channels + c];
  const float mean = sum_of_block(sum, partial) / rows;
  for (int row = threadIdx.x; row < rows; row += blockDim.x)
    squares += (x[row * channels + c] - mean) * (x[row * channels + c] - mean);
  const float scale = gamma[c] * rsqrtf(sum_of_block(squares, partial) / rows + kEpsilon);
  for (int row = threadIdx.x; row < rows; row += blockDim.x)
    y[row * channels + c] = scale * (x[row * channels + c] - mean) + beta[c];
}

// A warp along 32 channels, 8 warps down the rows, and as many blocks as fill the device, each with rows of its own. One pass sums
// x and its square (taken from the first row's value, so that a large mean costs no precision); blocks join by atomics.
__global__ void column_sums(const float* x, float* sums, float* squares, int rows, int channels) {
  __shared__ float of_warp[2][8][32];
  const int c = blockIdx.x * 32 + threadIdx.x, warp = threadIdx.y;
  float sum = 0, square = 0;
  for (int row = blockIdx.y * 8 + warp; row < rows; row += gridDim.y * 8) {
    const float value = x[row * channels + c] - x[c];
    sum += value;
    square += value * value;
  }
  of_warp[0][warp][threadIdx.x] = sum;
  of_warp[1][warp][threadIdx.x] = square;
  __syncthreads();
  if (warp > 1) return;
  float total = 0;
  for (int i = 0; i < 8; ++i) total += of_warp[warp][i][threadIdx.x];
  atomicAdd(warp == 0 ? &sums[c] : &squares[c], total);
}

__global__ void normalize(const float* x, const float* sums, const float* squares, const float* gamma,
                          const float* beta, float* y, int rows, int channels) {
  const int c = blockIdx.x * 32 + threadIdx.x;
  const float shifted = sums[c] / rows,
              scale = gamma[c] * rsqrtf(squares[c] / rows - shifted * shifted + kEpsilon);
  const float offset = beta[c] - scale * (shifted + x[c]);
  for (int row = blockIdx.y * 8 + threadIdx.y; row < rows; row += gridDim.y * 8)
    y[row * channels + c] = scale * x[row * channels + c] + offset;
}

int main() {
  const int rows = 1024, channels = 64;
  const auto x = lesson::numbers(rows * channels, 1), gamma = lesson::numbers(channels, 2),
             beta = lesson::numbers(channels, 3);
  std::vector<double> mean(channels), variance(channels);
  for (int i = 0; i < rows * channels; ++i) mean[i % channels] += x[i] / static_cast<double>(rows);
  for (int i = 0; i < rows * channels; ++i)
    variance[i % channels] += std::pow(x[i] - mean[i % channels], 2) / rows;
  const auto value = [&](int i) {
    const int c = i % channels;
    return static_cast<float>(gamma[c] * (x[i] - mean[c]) / std::sqrt(variance[c] + kEpsilon) + beta[c]);
  };
  const lesson::Memory in(x), scales(gamma), offsets(beta);
  lesson::Ladder ladder(lesson::each(rows * channels, value));
  ladder.rung("thread_per_channel", "a thread a channel", [&](float* y) {
    thread_per_channel<<<channels / 32, 32>>>(in, scales, offsets, y, rows, channels);
  });
  ladder.rung("block_per_channel", "a block a channel", [&](float* y) {
    block_per_channel<<<channels, 128>>>(in, scales, offsets, y, rows, channels);
  });
  ladder.rung("column_sums, normalize", "warps along the channels, one pass for both sums", [&](float* y) {
    const lesson::Memory sums(std::vector<float>(channels, 0)), squares(std::vector<float>(channels, 0));
    const dim3 grid(channels / 32, 16), block(32, 8);
    column_sums<<<grid, block>>>(in, sums, squares, rows, channels);
    normalize<<<grid, block>>>(in, sums, squares, scales, offsets, y, rows, channels);
  });
  ladder.rung("batch_norm_training", "tern's: four channels a load, sums in a fixed order", [&](float* y) {
    const int bytes = static_cast<int>(tern::kernels::batch_norm_workspace_bytes(rows, channels));
    const lesson::Memory workspace(std::vector<char>(bytes, 0));
    const lesson::Memory running_mean(std::vector<float>(channels, 0)),
        running_variance(std::vector<float>(channels, 1));
    const lesson::Memory<float> means(channels), inverse_deviations(channels);
    tern::kernels::batch_norm_training<float>(in, scales, offsets, nullptr, false, kEpsilon, 0.1f,
                                              running_mean, running_variance, means, inverse_deviations, y,
                                              static_cast<char*>(workspace), rows, channels, nullptr);
  });
  return ladder.result();
}
