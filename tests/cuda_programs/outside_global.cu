// wants 1: tern: outside_global.cu:7: kernel fill, block (3, 0, 0), thread (232, 0, 0): writes data[1000], after the end of data
// wants: which has 1000 elements of 4 bytes: cudaMalloc of 4000 bytes (outside_global.cu:13)
// wants: launched at outside_global.cu:14
// wants: program saw: unspecified launch failure
__global__ void fill(float *data, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= n) data[i] = 1.0f;
}
#include <stdio.h>
int main() {
  const int n = 1000;
  float *data;
  cudaMalloc(&data, n * sizeof(float));
  fill<<<(n + 255) / 256, 256>>>(data, n);
  printf("program saw: %s\n", cudaGetErrorString(cudaDeviceSynchronize()));
  return 0;
}
