// Ladder: y = softmax(x) along the rows of a matrix.
//
// The floor is one read and one write of every number. The first rung makes three passes by one thread a row; the last is the
// engine's own kernel (kernels/softmax.cu), which keeps its row in registers.
#include "kernels/softmax.cu"
#include "learn/ladder.h"

// A thread for each row: neighbours are a whole row apart, and each row is read three times.
__global__ void thread_per_row(const float* x, float* y, int rows, int columns) {
  const int row = blockIdx.x * blockDim.x + threadIdx.x;
  if (row >= rows) return;
  x += row * columns;
  y += row * columns;
  float most = x[0], sum = 0;
  for (int i = 1; i < columns; ++i) most = fmaxf(most, x[i]);
  for (int i = 0; i < columns; ++i) sum += expf(x[i] - most);
  for (int i = 0; i < columns; ++i) y[i] = expf(x[i] - most) / sum;
}

template <typename Operation>
__device__ float across_block(float value, float* partial, Operation operation) {
  const int thread = threadIdx.x;
  partial[thread] = value;
  for (int half = blockDim.x / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) partial[thread] = operation(partial[thread], partial[thread + half]);
  }
  __syncthreads();
  const float result = partial[0];
  __syncthreads();  // before the next use of partial
  return result;
}

// A block for each row: neighbours read neighbours. Twice a tree of shared memory and barriers, and still three reads.
__global__ void block_per_row(const float* x, float* y, int columns) {
  __shared__ float partial[256];
  x += blockIdx.x * columns;
  y += blockIdx.x * columns;
  float most = -INFINITY, sum = 0;
  for (int i = threadIdx.x; i < columns; i += blockDim.x) most = fmaxf(most, x[i]);
  most = across_block(most, partial, [](float a, float b) { return fmaxf(a, b); });
  for (int i = threadIdx.x; i < columns; i += blockDim.x) sum += expf(x[i] - most);
  sum = across_block(sum, partial, [](float a, float b) { return a + b; });
  for (int i = threadIdx.x; i < columns; i += blockDim.x) y[i] = expf(x[i] - most) / sum;
}

// A warp for each row: shuffles take the place of shared memory and of every barrier.
__global__ void warp_per_row(const float* x, float* y, int rows, int columns) {
  const int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
  if (row >= rows) return;
  x += row * columns;
  y += row * columns;
  float most = -INFINITY, sum = 0;
  for (int i = lane; i < columns; i += 32) most = fmaxf(most, x[i]);
  for (int distance = 16; distance > 0; distance /= 2)
    most = fmaxf(most, __shfl_xor_sync(0xffffffff, most, distance));
  for (int i = lane; i < columns; i += 32) sum += expf(x[i] - most);
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffff, sum, distance);
  for (int i = lane; i < columns; i += 32) y[i] = expf(x[i] - most) / sum;
}

// "Online": the largest value and the sum in one pass (puzzle 15): two reads in place of three.
__global__ void online(const float* x, float* y, int rows, int columns) {
  const int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
  if (row >= rows) return;
  x += row * columns;
  y += row * columns;
  float most = -INFINITY, sum = 0;
  const auto join = [&](float other_most, float other_sum) {
    const float larger = fmaxf(most, other_most);
    if (larger == -INFINITY) return;
    sum = sum * expf(most - larger) + other_sum * expf(other_most - larger);
    most = larger;
  };
  for (int i = lane; i < columns; i += 32) join(x[i], 1);
  for (int distance = 16; distance > 0; distance /= 2) {
    const float other_most = __shfl_xor_sync(0xffffffff, most, distance);
    join(other_most, __shfl_xor_sync(0xffffffff, sum, distance));
  }
  for (int i = lane; i < columns; i += 32) y[i] = expf(x[i] - most) / sum;
}

// A row of at most kEach * 32 numbers fits in the registers of its warp: one read.
template <int kEach>
__global__ void in_registers(const float* x, float* y, int rows, int columns) {
  const int row = blockIdx.x * blockDim.y + threadIdx.y, lane = threadIdx.x;
  if (row >= rows) return;
  x += row * columns;
  y += row * columns;
  float values[kEach], most = -INFINITY, sum = 0;
#pragma unroll
  for (int k = 0; k < kEach; ++k) {
    values[k] = lane + 32 * k < columns ? x[lane + 32 * k] : -INFINITY;
    most = fmaxf(most, values[k]);
  }
  for (int distance = 16; distance > 0; distance /= 2)
    most = fmaxf(most, __shfl_xor_sync(0xffffffff, most, distance));
#pragma unroll
  for (int k = 0; k < kEach; ++k) {
    values[k] = expf(values[k] - most);
    sum += values[k];
  }
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffff, sum, distance);
#pragma unroll
  for (int k = 0; k < kEach; ++k) {
    if (lane + 32 * k < columns) y[lane + 32 * k] = values[k] / sum;
  }
}

struct Rows {
  static constexpr int columns = 512;
  int rows;
  std::vector<float> values;
  lesson::Memory<float> x{values};

  explicit Rows(int count) : rows(count), values(lesson::numbers(count * columns)) {}
  std::string size() const { return std::to_string(rows) + " rows of " + std::to_string(columns); }
  int outputs() const { return rows * columns; }
  std::vector<float> answer() const {
    std::vector<float> wanted;
    for (int row = 0; row < rows; ++row) {
      const float* const of_row = &values[static_cast<std::size_t>(row) * columns];
      double most = of_row[0], sum = 0;
      for (int i = 0; i < columns; ++i) most = std::fmax(most, of_row[i]);
      for (int i = 0; i < columns; ++i) sum += std::exp(of_row[i] - most);
      for (int i = 0; i < columns; ++i)
        wanted.push_back(static_cast<float>(std::exp(of_row[i] - most) / sum));
    }
    return wanted;
  }
};

int main(int arguments, char**) {
  const dim3 warps(32, 8);
  lesson::Ladder<Rows> ladder(arguments, 128, 32768);
  ladder.rung("thread_per_row", "a thread a row, three passes", [](const Rows& of, float* y) {
    thread_per_row<<<of.rows / 64, 64>>>(of.x, y, of.rows, of.columns);
  });
  ladder.rung("block_per_row", "a block a row, neighbours read neighbours",
              [](const Rows& of, float* y) { block_per_row<<<of.rows, 256>>>(of.x, y, of.columns); });
  ladder.note("the floor: one read and one write of every number; the rungs above it save what DRAM hides");
  ladder.rung("warp_per_row", "a warp a row, no barrier", [=](const Rows& of, float* y) {
    warp_per_row<<<of.rows / 8, warps>>>(of.x, y, of.rows, of.columns);
  });
  ladder.note("20 barriers and all of shared memory, which came next, are gone");
  ladder.rung("online", "maximum and sum in one pass", [=](const Rows& of, float* y) {
    online<<<of.rows / 8, warps>>>(of.x, y, of.rows, of.columns);
  });
  ladder.note("the row of 2 kB is in L1 when it is read again: a longer one would come from DRAM each time");
  ladder.rung("in_registers", "the row is read once", [=](const Rows& of, float* y) {
    in_registers<Rows::columns / 32><<<of.rows / 8, warps>>>(of.x, y, of.rows, of.columns);
  });
  ladder.rung("softmax_forward", "tern's: four numbers a load, any width", [](const Rows& of, float* y) {
    tern::kernels::softmax_forward<float>(of.x, y, of.rows, of.columns, nullptr);
  });
  return ladder.result();
}
