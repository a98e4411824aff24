// wants 0: note: copy_of_unwritten.cu:9: cudaMemcpy: reads byte 20 of cudaMalloc of 40 bytes (copy_of_unwritten.cu:7)
// wants: which nobody has written
#include <cstdio>
__global__ void half(int *y) { y[threadIdx.x] = 1; }
int main() {
  int *y, host[10];
  cudaMalloc(&y, sizeof host);
  half<<<1, 5>>>(y);
  cudaMemcpy(host, y, sizeof host, cudaMemcpyDeviceToHost);
  return cudaFree(y);
}
