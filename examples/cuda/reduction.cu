// The sum of an array: in shared memory whose size the launch says, and the last 64 values by shuffles within a warp.
#include <stdio.h>
#include <stdlib.h>

__inline__ __device__ int warpReduceSum(int val) {
  for (int offset = warpSize / 2; offset > 0; offset /= 2) val += __shfl_down_sync(0xffffffff, val, offset);
  return val;
}

template <class T>
__global__ void reduce(const T *g_idata, T *g_odata, unsigned int n) {
  extern __shared__ int sdata[];
  unsigned int tid = threadIdx.x;
  unsigned int i = blockIdx.x * (blockDim.x * 2) + threadIdx.x;
  T sum = i < n ? g_idata[i] : 0;
  if (i + blockDim.x < n) sum += g_idata[i + blockDim.x];
  sdata[tid] = sum;
  __syncthreads();
  for (unsigned int s = blockDim.x / 2; s > 32; s >>= 1) {
    if (tid < s) sdata[tid] += sdata[tid + s];
    __syncthreads();
  }
  if (tid < 32) {
    sum = warpReduceSum(sdata[tid] + sdata[tid + 32]);
    if (tid == 0) g_odata[blockIdx.x] = sum;
  }
}

int main(int argc, char **argv) {
  unsigned int n = argc > 1 ? atoi(argv[1]) : 100000;
  const int threads = 128;
  int blocks = (n + threads * 2 - 1) / (threads * 2);
  int *h = new int[n], *partial = new int[blocks];
  long long expected = 0;
  for (unsigned int i = 0; i < n; i++) expected += h[i] = i % 13;

  int *d_in, *d_out;
  cudaMalloc(&d_in, n * sizeof(int));
  cudaMalloc(&d_out, blocks * sizeof(int));
  cudaMemcpy(d_in, h, n * sizeof(int), cudaMemcpyHostToDevice);
  reduce<<<blocks, threads, threads * sizeof(int)>>>(d_in, d_out, n);
  cudaMemcpy(partial, d_out, blocks * sizeof(int), cudaMemcpyDeviceToHost);

  long long sum = 0;
  for (int b = 0; b < blocks; b++) sum += partial[b];
  printf("sum %lld, expected %lld\n", sum, expected);
  cudaFree(d_in);
  cudaFree(d_out);
  delete[] h;
  delete[] partial;
  return sum == expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
