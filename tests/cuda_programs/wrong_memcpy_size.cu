// wants 1: wrong_memcpy_size.cu:8: cudaMemcpy: cudaMemcpyHostToDevice: wanted at most 64 bytes
// wants: got 256
// wants: invalid argument
#include <stdio.h>
int main() {
  static float host[64], *device;
  cudaMalloc(&device, 64);  // elements, where bytes are meant
  cudaError_t error = cudaMemcpy(device, host, 64 * sizeof(float), cudaMemcpyHostToDevice);
  printf("%s\n", cudaGetErrorString(error));
  cudaFree(device);
  return 0;
}
