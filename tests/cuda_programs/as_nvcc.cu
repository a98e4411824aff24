// What programs ask for and define as they are compiled by nvcc, by C++17: a lerp of their own, attributes, scopes of atomics.
// wants: as by nvcc
#include <cmath>
#include <cstdio>

#ifndef __CUDACC__
#error "to be compiled by nvcc"
#endif
#ifndef TERN_EMULATED
#include <thrust/device_vector.h>
#endif

inline __device__ __host__ float lerp(float a, float b, float t) { return a + t * (b - a); }

__global__ void blends(float* x, int* counts) {
  x[threadIdx.x] = lerp(0.0f, 32.0f, threadIdx.x / 32.0f);
  atomicAdd_block(&counts[0], 1);
  atomicMax_system(&counts[1], static_cast<int>(threadIdx.x));
  atomicOr_block(&counts[2], 1 << threadIdx.x % 8);
}

int main() {
  float *x, got[32];
  int *counts, got_counts[3], processors = 0, warp = 0, most = 0;
  cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, 0);
  cudaDeviceGetAttribute(&warp, cudaDevAttrWarpSize, 0);
  cudaDeviceGetAttribute(&most, cudaDevAttrMaxBlockDimX, 0);
  cudaMallocManaged(&x, sizeof got);
  const cudaMemLocation device = {cudaMemLocationTypeDevice, 0};  // CUDA 13's form, and the one before
  cudaMemAdvise(x, sizeof got, cudaMemAdviseSetReadMostly, device);
  cudaMemAdvise(x, sizeof got, cudaMemAdviseUnsetReadMostly, 0);
  cudaMemPrefetchAsync(x, sizeof got, device, 0, nullptr);
  cudaMemPrefetchAsync(x, sizeof got, 0, nullptr);
  cudaMalloc(&counts, sizeof got_counts);
  cudaMemset(counts, 0, sizeof got_counts);
  blends<<<1, 32>>>(x, counts);
  cudaMemcpy(got, x, sizeof got, cudaMemcpyDeviceToHost);
  cudaMemcpy(got_counts, counts, sizeof got_counts, cudaMemcpyDeviceToHost);
  cudaFree(x);
  cudaFree(counts);
  const bool right = got[31] == 31 && got_counts[0] == 32 && got_counts[1] == 31 && got_counts[2] == 255 && processors > 0 &&
                     warp == 32 && most == 1024;
  std::printf(right ? "as by nvcc\n" : "not as by nvcc\n");
  return right ? 0 : 1;
}
