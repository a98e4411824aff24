// options: --sample 4 --patience 1
// wants 1: with --sample, which leaves most blocks out, one that waits for another does so for ever
__global__ void in_turn(volatile int* turn) {
  while (*turn < int(blockIdx.x)) {
  }
  *turn = blockIdx.x + 1;
}

int main() {
  int* turn;
  cudaMalloc(&turn, sizeof(int));
  cudaMemset(turn, 0, sizeof(int));
  in_turn<<<64, 1>>>(turn);
  return cudaDeviceSynchronize() != cudaSuccess;
}
