// options: --trace 3,1
// wants: tern: note: traced_elsewhere.cu:10: --trace 3,1: this launch has 2 blocks of 1 warp, counted from 0
#include <cuda_runtime.h>

__global__ void ones(float* x) { x[blockIdx.x * blockDim.x + threadIdx.x] = 1; }

int main() {
  float* x;
  cudaMalloc(&x, 64 * sizeof(float));
  ones<<<2, 32>>>(x);
  const bool right = cudaDeviceSynchronize() == cudaSuccess;
  cudaFree(x);
  return right ? 0 : 1;
}
