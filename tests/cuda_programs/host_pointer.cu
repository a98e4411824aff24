// wants 1: host_pointer.cu:5
// wants: memory of the host
// wants: block (0, 0, 0), thread (0, 0, 0)
#include <stdlib.h>
__global__ void twice(float *data) { data[threadIdx.x] *= 2.0f; }

int main() {
  float *data = (float *)malloc(64 * sizeof(float));
  twice<<<1, 64>>>(data);
  cudaDeviceSynchronize();
  free(data);
  return 0;
}
