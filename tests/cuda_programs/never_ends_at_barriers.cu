// options: --patience 1
// wants 1: never_ends_at_barriers.cu:14: kernel waits
// wants: , at never_ends_at_barriers.cu:
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
