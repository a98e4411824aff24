// The same through a pointer, from which no extent follows: seen when the function with the array returns.
// wants 1: local_array_by_pointer.cu
// wants: kernel sums, block (0, 0, 0), thread (0, 0, 0): sums has written beyond an array of its own, through a pointer
#include <cstdio>

__device__ __noinline__ void fills(int* all, int n) {
  for (int i = 0; i < n; ++i) all[i] = i;
}

__global__ void sums(int* y, int n) {
  int own[8];
  fills(own, n);
  int sum = 0;
  for (int i = 0; i < 8; ++i) sum += own[i];
  y[threadIdx.x] = sum;
}

int main() {
  int* y;
  cudaMalloc(&y, 32 * sizeof(int));
  sums<<<1, 32>>>(y, 16);
  std::printf("%s\n", cudaGetErrorString(cudaDeviceSynchronize()));
}
