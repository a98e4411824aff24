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

struct Batch {
  static constexpr int channels = 256;
  int rows;
  std::vector<float> values, scales, offsets;
  lesson::Memory<float> x{values}, gamma{scales}, beta{offsets};

  explicit Batch(int count)
      : rows(count),
        values(lesson::numbers(count * channels, 1)),
        scales(lesson::numbers(channels, 2)),
        offsets(lesson::numbers(channels, 3)) {}
  std::string size() const {
    return std::to_string(rows) + " rows of " + std::to_string(channels) + " channels";
  }
  int outputs() const { return rows * channels; }
  std::vector<float> answer() const {
    std::vector<double> mean(channels), variance(channels);
    for (int i = 0; i < outputs(); ++i) mean[i % channels] += values[i] / static_cast<double>(rows);
    for (int i = 0; i < outputs(); ++i)
      variance[i % channels] += std::pow(values[i] - mean[i % channels], 2) / rows;
    return lesson::each(outputs(), [&](int i) {
      const int c = i % channels;
      return static_cast<float>(scales[c] * (values[i] - mean[c]) / std::sqrt(variance[c] + kEpsilon) +
                                offsets[c]);
    });
  }
};

int main(int arguments, char**) {
  lesson::Ladder<Batch> ladder(arguments, 256, 16384);
  ladder.rung("thread_per_channel", "a thread a channel", [](const Batch& of, float* y) {
    thread_per_channel<<<of.channels / 32, 32>>>(of.x, of.gamma, of.beta, y, of.rows, of.channels);
  });
  ladder.rung("block_per_channel", "a block a channel", [](const Batch& of, float* y) {
    block_per_channel<<<of.channels, 128>>>(of.x, of.gamma, of.beta, y, of.rows, of.channels);
  });
  ladder.rung("column_sums, normalize", "warps along the channels, one pass for both sums",
              [](const Batch& of, float* y) {
                const std::vector<float> zeros(of.channels, 0);
                const lesson::Memory sums(zeros), squares(zeros);
                const dim3 grid(of.channels / 32, of.rows / 128), block(32, 8);  // 16 rows a warp
                column_sums<<<grid, block>>>(of.x, sums, squares, of.rows, of.channels);
                normalize<<<grid, block>>>(of.x, sums, squares, of.gamma, of.beta, y, of.rows, of.channels);
              });
  ladder.note("the floor: two reads and one write of x, if L2 keeps nothing from kernel to kernel");
  ladder.rung(
      "batch_norm_training", "tern's: four channels a load, sums in a fixed order",
      [](const Batch& of, float* y) {
        const int bytes = static_cast<int>(tern::kernels::batch_norm_workspace_bytes(of.rows, of.channels));
        const lesson::Memory workspace(std::vector<char>(bytes, 0));
        const lesson::Memory running_mean(std::vector<float>(of.channels, 0)),
            running_variance(std::vector<float>(of.channels, 1));
        const lesson::Memory<float> means(of.channels), inverse_deviations(of.channels);
        tern::kernels::batch_norm_training<float>(
            of.x, of.gamma, of.beta, nullptr, false, kEpsilon, 0.1f, running_mean, running_variance, means,
            inverse_deviations, y, static_cast<char*>(workspace), of.rows, of.channels, nullptr);
      });
  ladder.note("a quarter of the requests, and the same bytes");
  return ladder.result();
}
