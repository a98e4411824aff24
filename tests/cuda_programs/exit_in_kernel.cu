// wants 1: tern: exit_in_kernel.cu:5: kernel leaves, block (0, 0, 0), thread (3, 0, 0): calls exit, which is for the host
#include <cuda_runtime.h>
#include <cstdlib>
__global__ void leaves() {
  if (threadIdx.x == 3) exit(0);
}
int main() {
  leaves<<<1, 32>>>();
  exit(cudaDeviceSynchronize() == cudaSuccess ? 2 : 0);
}
