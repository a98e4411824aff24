// wants 1: nested_launch.cu:7: kernel parent, block (0, 0, 0), thread (0, 0, 0): launches kernel child: dynamic parallelism is not emulated. Let the host launch it after this one; launched at nested_launch.cu:13
#include <cstdio>

__global__ void child(int* x) { x[threadIdx.x] += 1; }

__global__ void parent(int* x) {
  if (threadIdx.x == 0) child<<<1, 32>>>(x);
}

int main() {
  int* x;
  cudaMalloc(&x, 32 * sizeof(int));
  cudaMemset(x, 0, 32 * sizeof(int)), parent<<<1, 32>>>(x);
  std::printf("%s\n", cudaGetErrorString(cudaDeviceSynchronize()));
}
