// wants 1: tern: divided_barrier.cu:10: kernel sum, block (1, 0, 0), thread (0, 0, 0): waits at __syncthreads for
// wants: of 128 threads 64 wait, 64 have ended
// wants: launched at divided_barrier.cu:20
__global__ void sum(const int *data, int *sums) {
  __shared__ int tile[128];
  tile[threadIdx.x] = data[threadIdx.x];
  __syncthreads();
  if (blockIdx.x == 1 && threadIdx.x < 64) {
    tile[threadIdx.x] += tile[threadIdx.x + 64];
    __syncthreads();
  }
  if (threadIdx.x == 0) sums[blockIdx.x] = tile[0];
}

int main() {
  int *device, *sums;
  cudaMalloc(&sums, 2 * sizeof(int));
  cudaMalloc(&device, 128 * sizeof(int));
  cudaMemset(device, 0, 128 * sizeof(int));
  sum<<<2, 128>>>(device, sums);
  cudaFree(device);
  cudaFree(sums);
  return cudaDeviceSynchronize() == cudaErrorLaunchFailure ? 0 : 2;
}
