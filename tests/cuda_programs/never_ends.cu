// options: --patience 1
// wants 1: tern: never_ends.cu:6: kernel waits, block (0, 0, 0), thread (0, 0, 0): the thread has run for
// wants: launched at never_ends.cu:15
__global__ void waits(volatile int *flag) {
  if (threadIdx.x == 0) {
    while (*flag == 0) {
    }
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
