// wants 1: never_set.cu:6:
// wants: uninitialized
// wants: the sum is no number of the program's
__global__ void sum(const float *x, float *y) {
  float sum;
  for (int i = 0; i < 32; ++i) sum += x[i];
  *y = sum;
}

int main() {
  float *x, *y, result;
  cudaMalloc(&x, 32 * sizeof(float));
  cudaMalloc(&y, sizeof(float));
  cudaMemset(x, 0, 32 * sizeof(float));
  sum<<<1, 1>>>(x, y);
  cudaMemcpy(&result, y, sizeof result, cudaMemcpyDeviceToHost);
  cudaFree(x);
  cudaFree(y);
  if (result > -1e30f) return 0;
  printf("the sum is no number of the program's\n");
  return 1;
}
