// wants 0: every part is right
// What the translation must leave alone, and what it must see: "kernel<<<1, 1>>>(x)" in a comment, __shared__ too.
#include <cooperative_groups.h>
#include <cooperative_groups/reduce.h>
#include <cuda_fp16.h>
#include <stdio.h>

#include <algorithm>
namespace cg = cooperative_groups;
using namespace std;

const char* text = "kernel<<<1, 1>>>(\"__shared__ int x;\")";
const char* raw = R"(__shared__ int
<<< 'one quote)";
#define LAUNCH(kernel, threads, ...) kernel<<<1, threads>>>(__VA_ARGS__)
#define TILE(T, name, n) __shared__ T name[n]

__device__ int total, biggest = -5;
__constant__ float weights[3] = {1.0f, 2.0f, 3.0f};
extern __shared__ int dynamic[];

struct Pair {
  int a;
  float b;
};

namespace inner {
template <typename T, int kScale = 2>
__global__ void scale(T* data, int n) {
  int i = threadIdx.x;
  if (i < n) data[i] *= kScale;
}
template <typename T>
__global__ void scale(T* data, const T* by) {
  data[threadIdx.x] *= by[0];
}
}  // namespace inner

template <class F>
__global__ void apply(int* data, F f) {
  data[threadIdx.x] = f(data[threadIdx.x]);
}

__global__ void parts(int* out) {
  __shared__ Pair pairs[32];
  __shared__ volatile int first, last[2];
  TILE(int, mine, 32);
  const int t = threadIdx.x;
  pairs[t].a = t;
  pairs[t].b = t * 0.5f;
  mine[t] = 31 - t;
  if (t == 0) first = 7;
  if (t < 2) last[t] = t;
  dynamic[t] = __shfl_sync(0xffffffff, t, 0, 8);  // the first of each 8
  __syncthreads();
  cg::thread_block_tile<16> tile = cg::tiled_partition<16>(cg::this_thread_block());
  int sum = cg::reduce(tile, pairs[31 - t].a, cg::plus<int>());
  out[t] = sum + first + last[1] + mine[31 - t] - t + dynamic[t] + (int)pairs[t].b - t / 2;
  atomicMax(&biggest, t);
  if (atomicCAS(&total, 0, 5) == 0) atomicAdd(&total, int(weights[0] + weights[1] + weights[2]));
  half h = __float2half(0.1f);
  if (__half2float(h) != 0.0999755859375f || __brev(1u) != 0x80000000u || __clz(1) != 31) out[t] = -1;
}

int main() {
  int host[32], *data, *by, errors = 0;
  for (int i = 0; i < 32; ++i) host[i] = i;
  cudaMalloc(&data, sizeof host);
  cudaMalloc(&by, sizeof(int));
  cudaMemcpy(data, host, sizeof host, cudaMemcpyHostToDevice);
  cudaMemset(by, 0, sizeof(int));
  cudaMemset(by, 3, 1);
  inner::scale<<<1, 32>>>(data, 32);                // 2 i
  inner::scale<int, 5><<<dim3(1), 32>>>(data, 32);  // 10 i
  inner::scale<<<1, 32>>>(data, by);                // 30 i
  int shift = 4;
  apply<<<1, 32>>>(data, [=] __device__(int x) { return x + shift; });
  cudaMemcpy(host, data, sizeof host, cudaMemcpyDeviceToHost);
  for (int i = 0; i < 32; ++i) errors += host[i] != 30 * i + 4;

  void (*chosen)(int*) = parts;
  chosen<<<1, 32, 32 * sizeof(int)>>>(data);
  cudaMemcpy(host, data, sizeof host, cudaMemcpyDeviceToHost);
  for (int i = 0; i < 32; ++i) {
    int sum = i < 16 ? 16 * 31 - 120 : 120;  // of 31 - i over 16 lanes
    errors += host[i] != sum + 7 + 1 + i / 8 * 8;
  }
  int values[2];
  cudaMemcpyFromSymbol(&values[0], total, sizeof(int));
  cudaMemcpyFromSymbol(&values[1], biggest, sizeof(int));
  errors += values[0] != 11 || values[1] != 31;
  LAUNCH((inner::scale<int, 1>), 32, data, 32);
  errors += cudaDeviceSynchronize() != cudaSuccess || text[9] != '1' || raw[0] != '_';
  printf(errors == 0 ? "every part is right\n" : "%d errors\n", errors);
  cudaFree(data);
  cudaFree(by);
  return min(errors, 1);
}
