// Ladder: the sum of n numbers, one number in the end.
//
// What a GPU does well is read memory. So the best rung reads every number once, in whole sectors, and hardly anything else:
// n * 4 bytes divided by the bandwidth is the floor under its time. Look at atomics, barriers and shared-memory passes fall away
// while the bytes stay. After Mark Harris, "Optimizing Parallel Reduction in CUDA", 2007, with what has come since.
#include <algorithm>

#include "learn/ladder.h"

constexpr int kBlock = 256;

// Everybody adds to one address, and stands in line for it.
__global__ void by_atomics(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) atomicAdd(y, x[i]);
}

// A tree in shared memory: a block adds once. But thread i works where i is a multiple of 2, 4, 8, ...: in each warp ever fewer.
__global__ void scattered_tree(const float* x, float* y, int n) {
  __shared__ float sums[kBlock];
  const int i = blockIdx.x * kBlock + threadIdx.x, thread = threadIdx.x;
  sums[thread] = i < n ? x[i] : 0;
  for (int distance = 1; distance < kBlock; distance *= 2) {
    __syncthreads();
    if (thread % (2 * distance) == 0) sums[thread] += sums[thread + distance];
  }
  if (thread == 0) atomicAdd(y, sums[0]);
}

// The threads that work are the first ones: whole warps, and neighbours in neighbouring banks.
__global__ void packed_tree(const float* x, float* y, int n) {
  __shared__ float sums[kBlock];
  const int i = blockIdx.x * kBlock + threadIdx.x, thread = threadIdx.x;
  sums[thread] = i < n ? x[i] : 0;
  for (int half = kBlock / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) sums[thread] += sums[thread + half];
  }
  if (thread == 0) atomicAdd(y, sums[0]);
}

// Each thread adds many numbers before the tree begins: a few blocks that stay busy, not thousands with a tree each.
__global__ void many_each(const float* x, float* y, int n) {
  __shared__ float sums[kBlock];
  const int thread = threadIdx.x;
  float sum = 0;
  for (int i = blockIdx.x * kBlock + thread; i < n; i += gridDim.x * kBlock) sum += x[i];
  sums[thread] = sum;
  for (int half = kBlock / 2; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) sums[thread] += sums[thread + half];
  }
  if (thread == 0) atomicAdd(y, sums[0]);
}

__device__ float sum_of_warp(float sum) {
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_down_sync(0xffffffff, sum, distance);
  return sum;
}

// Adds the sums of a block's threads to *y: from register to register within a warp, then once through shared memory.
__device__ void add_sum_of_block(float sum, float* y) {
  __shared__ float sums[kBlock / 32];
  const int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
  sum = sum_of_warp(sum);
  if (lane == 0) sums[warp] = sum;
  __syncthreads();
  if (warp > 0) return;
  sum = sum_of_warp(lane < kBlock / 32 ? sums[lane] : 0);
  if (lane == 0) atomicAdd(y, sum);
}

// Within a warp sums go from register to register: one barrier is left.
__global__ void by_shuffles(const float* x, float* y, int n) {
  float sum = 0;
  for (int i = blockIdx.x * kBlock + threadIdx.x; i < n; i += gridDim.x * kBlock) sum += x[i];
  add_sum_of_block(sum, y);
}

// Four numbers a load: a quarter of the requests for the same bytes.
__global__ void by_vectors(const float4* x, float* y, int quarter) {
  float sum = 0;
  for (int i = blockIdx.x * kBlock + threadIdx.x; i < quarter; i += gridDim.x * kBlock) {
    const float4 four = x[i];
    sum += (four.x + four.y) + (four.z + four.w);
  }
  add_sum_of_block(sum, y);
}

struct Sum {
  int n;
  std::vector<float> values;
  lesson::Memory<float> x{values};

  explicit Sum(int count) : n(count), values(lesson::numbers(count)) {}
  std::string size() const { return "n = " + std::to_string(n); }
  int outputs() const { return 1; }
  std::vector<float> answer() const {
    float sum = 0;
    for (const float value : values) sum += value;
    return {sum};
  }
  int blocks() const { return n / kBlock; }
  /// That stay busy: about eight for each of an H100's multiprocessors, where there is work for them.
  int few() const { return std::min(blocks() / 16, 1024); }
};

int main(int arguments, char**) {
  const auto zero = [](float* y) { lesson::require(cudaMemset(y, 0, sizeof(float)), "cudaMemset"); };
  lesson::Ladder<Sum> ladder(arguments, 1 << 17, 1 << 24);
  ladder.rung("by_atomics", "everybody adds to one address", [=](const Sum& of, float* y) {
    zero(y);
    by_atomics<<<of.blocks(), kBlock>>>(of.x, y, of.n);
  });
  ladder.rung("scattered_tree", "a tree in shared memory", [=](const Sum& of, float* y) {
    zero(y);
    scattered_tree<<<of.blocks(), kBlock>>>(of.x, y, of.n);
  });
  ladder.rung("packed_tree", "the first threads do the work", [=](const Sum& of, float* y) {
    zero(y);
    packed_tree<<<of.blocks(), kBlock>>>(of.x, y, of.n);
  });
  ladder.note("what is left are the 65,536 blocks' own atomics, all at one address");
  ladder.rung("many_each", "many numbers a thread", [=](const Sum& of, float* y) {
    zero(y);
    many_each<<<of.few(), kBlock>>>(of.x, y, of.n);
  });
  ladder.note("the floor: every number once from memory, 67 MB");
  ladder.rung("by_shuffles", "a warp adds in registers", [=](const Sum& of, float* y) {
    zero(y);
    by_shuffles<<<of.few(), kBlock>>>(of.x, y, of.n);
  });
  ladder.note("seven barriers fewer, which DRAM hides; it counts where there is less to read");
  ladder.rung("by_vectors", "four numbers a load", [=](const Sum& of, float* y) {
    zero(y);
    const float* const x = of.x;
    by_vectors<<<of.few(), kBlock>>>(reinterpret_cast<const float4*>(x), y, of.n / 4);
  });
  ladder.note(
      "a quarter of the requests, with as many bytes on the way: few warps suffice to keep DRAM busy");
  return ladder.result();
}
