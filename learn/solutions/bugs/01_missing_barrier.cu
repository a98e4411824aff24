// What a thread reads, another has written: between the two there must be a barrier.
__global__ void reverse(const float* x, float* y) {
  __shared__ float block[128];
  block[threadIdx.x] = x[blockIdx.x * 128 + threadIdx.x];
  __syncthreads();
  y[blockIdx.x * 128 + threadIdx.x] = block[127 - threadIdx.x];
}
