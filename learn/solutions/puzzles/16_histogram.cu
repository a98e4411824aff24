constexpr int kBins = 16;

__global__ void histogram(const int* values, int* counts, int n) {
  __shared__ int of_block[kBins];
  if (threadIdx.x < kBins) of_block[threadIdx.x] = 0;
  __syncthreads();
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += gridDim.x * blockDim.x)
    atomicAdd(&of_block[values[i]], 1);
  __syncthreads();
  if (threadIdx.x < kBins) atomicAdd(&counts[threadIdx.x], of_block[threadIdx.x]);
}
