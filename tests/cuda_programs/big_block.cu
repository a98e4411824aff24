// wants 1: big_block.cu:7: kernel nothing: wanted blocks of 1 to 1024 threads, got 64 x 32 x 1 = 2048
// wants: invalid configuration argument
#include <stdio.h>
__global__ void nothing() {}

int main() {
  nothing<<<1, dim3(64, 32)>>>();
  printf("%s\n", cudaGetErrorString(cudaGetLastError()));
  return 0;
}
