// wants 1: host_call_in_kernel.cu:6: kernel frees, block (0, 0, 0), thread (0, 0, 0): calls cudaFree, which is for the host
#include <cstdio>

struct Owner {
  int* x;
  ~Owner() { cudaFree(x); }
};
__global__ void frees(int* x) {
  Owner owner{x};
  owner.x[threadIdx.x] = 1;
}

int main() {
  int* x;
  cudaMalloc(&x, 32 * sizeof(int)), frees<<<1, 32>>>(x);
  std::printf("%s\n", cudaGetErrorString(cudaDeviceSynchronize()));
}
