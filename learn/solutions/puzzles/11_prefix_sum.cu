constexpr int kThreads = 256;

__global__ void prefix_sum(const float* x, float* y) {
  __shared__ float sums[kThreads];
  const int i = threadIdx.x;
  float sum = x[i];
  sums[i] = sum;
  for (int distance = 1; distance < kThreads; distance *= 2) {
    __syncthreads();
    if (i >= distance) sum += sums[i - distance];
    __syncthreads();
    sums[i] = sum;
  }
  y[i] = sum;
}
