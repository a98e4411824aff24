// The last index is n - 1. What lies at n belongs to somebody else; reading it does no harm that is seen, writing it may.
__global__ void increment(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n) y[i] = x[i] + 1;
}
