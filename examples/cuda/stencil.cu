// A stencil in one dimension: coefficients in constant memory, a block's elements and their halo in shared memory.
#include <stdio.h>

#define RADIUS 3
#define BLOCK_SIZE 128

__constant__ float c_coefficients[2 * RADIUS + 1];

__global__ void stencil_1d(const float *in, float *out) {
  __shared__ float temp[BLOCK_SIZE + 2 * RADIUS];
  int gindex = threadIdx.x + blockIdx.x * blockDim.x + RADIUS;
  int lindex = threadIdx.x + RADIUS;
  temp[lindex] = in[gindex];
  if (threadIdx.x < RADIUS) {
    temp[lindex - RADIUS] = in[gindex - RADIUS];
    temp[lindex + BLOCK_SIZE] = in[gindex + BLOCK_SIZE];
  }
  __syncthreads();
  float result = 0;
  for (int offset = -RADIUS; offset <= RADIUS; offset++)
    result += c_coefficients[offset + RADIUS] * temp[lindex + offset];
  out[gindex] = result;
}

int main() {
  const int n = 16 * BLOCK_SIZE, padded = n + 2 * RADIUS;
  static float in[padded], out[padded];
  const float coefficients[2 * RADIUS + 1] = {1, 2, 3, 4, 3, 2, 1};
  for (int i = 0; i < padded; i++) in[i] = i % 10;
  cudaMemcpyToSymbol(c_coefficients, coefficients, sizeof(coefficients));
  float *d_in, *d_out;
  cudaMalloc((void **)&d_in, sizeof(in));
  cudaMalloc((void **)&d_out, sizeof(out));
  cudaMemcpy(d_in, in, sizeof(in), cudaMemcpyHostToDevice);
  cudaMemcpy(d_out, out, sizeof(out), cudaMemcpyHostToDevice);
  stencil_1d<<<n / BLOCK_SIZE, BLOCK_SIZE>>>(d_in, d_out);
  cudaMemcpy(out, d_out, sizeof(out), cudaMemcpyDeviceToHost);
  for (int i = RADIUS; i < n + RADIUS; i++) {
    float wanted = 0;
    for (int offset = -RADIUS; offset <= RADIUS; offset++) wanted += coefficients[offset + RADIUS] * in[i + offset];
    if (out[i] != wanted) {
      printf("Mismatch at index %d, was: %f, should be: %f\n", i, out[i], wanted);
      return 1;
    }
  }
  printf("Success!\n");
  cudaFree(d_in);
  cudaFree(d_out);
  return 0;
}
