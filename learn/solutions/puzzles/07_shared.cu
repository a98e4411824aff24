__global__ void reverse(const float* x, float* y) {
  __shared__ float block[64];
  block[threadIdx.x] = x[blockIdx.x * 64 + threadIdx.x];
  __syncthreads();
  y[blockIdx.x * 64 + threadIdx.x] = block[63 - threadIdx.x];
}
