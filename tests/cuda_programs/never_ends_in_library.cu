// options: --patience 1
// wants 1: tern: never_ends_in_library.cu:8: kernel prints, block (0, 0, 0), thread (0, 0, 0): the thread
// wants: without giving way
#include <cstdio>
__global__ void prints(float *out) {
  char text[400];
  int n = 1;
  while (n > 0) n = snprintf(text, sizeof text, "%.300f", 1e300 / 3);
  out[threadIdx.x] = n;
}

int main() {
  float *out;
  cudaMalloc(&out, 32 * sizeof(float));
  prints<<<1, 32>>>(out);
  cudaDeviceSynchronize();
  return 0;
}
