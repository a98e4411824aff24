// wants 1: tern: host_pointer.cu:3: kernel twice, block (0, 0, 0), thread (0, 0, 0): reads data[0] in memory of the host
#include <stdlib.h>
__global__ void twice(float *data) { data[threadIdx.x] *= 2.0f; }

int main() {
  float *data = (float *)malloc(64 * sizeof(float));
  twice<<<1, 64>>>(data);
  cudaDeviceSynchronize();
  free(data);
  return 0;
}
