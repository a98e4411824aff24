__global__ void dot(const float* a, const float* b, float* y, int n) {
  __shared__ float sums[256];
  const int thread = threadIdx.x;
  float sum = 0;
  for (int i = thread; i < n; i += 256) sum += a[i] * b[i];
  sums[thread] = sum;
  for (int half = 128; half > 0; half /= 2) {
    __syncthreads();
    if (thread < half) sums[thread] += sums[thread + half];
  }
  if (thread == 0) *y = sums[0];
}
