// wants 1: outside_global.cu:7
// wants: block (3, 0, 0), thread (232, 0, 0)
// wants: after the end of cudaMalloc of 4000 bytes (outside_global.cu:13)
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
