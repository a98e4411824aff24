// wants 1: tern: missed_barrier.cu:8: kernel reverse, block (0, 0, 0), thread (0, 0, 0)
// wants: shared array 'tile': element 63 of 64 is read, but nobody has written it
#include <cstdio>

__global__ void reverse(int *data) {
  __shared__ int tile[64];
  tile[threadIdx.x] = data[threadIdx.x];
  data[threadIdx.x] = tile[63 - threadIdx.x];
}

int main() {
  int host[64] = {0}, *device;
  cudaMalloc(&device, sizeof(host));
  cudaMemcpy(device, host, sizeof(host), cudaMemcpyHostToDevice);
  reverse<<<1, 64>>>(device);
  cudaMemcpy(host, device, sizeof(host), cudaMemcpyDeviceToHost);
  printf("%s\n", cudaGetErrorString(cudaGetLastError()));
  return 0;
}
