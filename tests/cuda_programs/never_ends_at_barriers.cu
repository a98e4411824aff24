// options: --patience 1
// wants 1: ms and was here
// wants: launched at never_ends_at_barriers.cu:14
__global__ void waits(volatile int *flag) {
  while (*flag == 0) {
    __syncthreads();
  }
}

int main() {
  int *flag;
  cudaMalloc(&flag, sizeof(int));
  cudaMemset(flag, 0, sizeof(int));
  waits<<<1, 32>>>(flag);
  cudaDeviceSynchronize();
  return 0;
}
