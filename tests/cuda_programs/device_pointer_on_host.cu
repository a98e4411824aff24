// wants 1: device_pointer_on_host.cu:9: host code touches device memory of cudaMalloc of 256 bytes (device_pointer_on_host.cu:8)
#include <stdio.h>
__global__ void ones(float *data) { data[threadIdx.x] = 1.0f; }

int main() {
  float *data;
  float sum = 0;
  cudaMalloc(&data, 64 * sizeof(float)); ones<<<1, 64>>>(data);
  for (int i = 0; i < 64; i++) sum += data[i];
  printf("%f\n", sum);
  return 0;
}
