__global__ void multiply(const float* a, const float* b, float* y, int n) {
  const int i = threadIdx.x;
  if (i < n) y[i] = a[i] * b[i];
}
