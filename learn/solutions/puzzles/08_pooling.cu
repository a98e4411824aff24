__global__ void pool(const float* x, float* y) {
  __shared__ float row[128];
  const int i = threadIdx.x;
  row[i] = x[i];
  __syncthreads();
  float sum = row[i];
  if (i > 0) sum += row[i - 1];
  if (i > 1) sum += row[i - 2];
  y[i] = sum;
}
