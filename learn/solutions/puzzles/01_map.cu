__global__ void map(const float* x, float* y) {
  y[threadIdx.x] = x[threadIdx.x] + 10;
}
