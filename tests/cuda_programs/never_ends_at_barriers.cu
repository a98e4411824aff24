// options: --patience 1
// wants 1: never_ends_at_barriers.cu:6
// wants: kernel waits
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
