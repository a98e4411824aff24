// wants 1: wrong_memcpy_direction.cu:7: cudaMemcpy: cudaMemcpyHostToDevice: wanted device memory as destination, got a host pointer
#include <stdio.h>
int main() {
  static float host[64], *device;
  cudaMalloc(&device, sizeof(host));
  cudaMemset(device, 0, sizeof(host));
  cudaError_t error = cudaMemcpy(host, device, sizeof(host), cudaMemcpyHostToDevice);
  cudaFree(device);
  return error == cudaErrorInvalidValue ? 0 : 2;
}
