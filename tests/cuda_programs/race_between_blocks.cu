// wants 1: race_between_blocks.cu:5
// wants: cudaMalloc of 4 bytes (race_between_blocks.cu:10)
// wants: block (1, 0, 0), thread (0, 0, 0)
__global__ void count(int *total) {
  if (threadIdx.x == 0) *total += blockDim.x;
}

int main() {
  int *total, host = 0;
  cudaMalloc(&total, sizeof(int));
  cudaMemset(total, 0, sizeof(int));
  count<<<8, 64>>>(total);
  cudaMemcpy(&host, total, sizeof(int), cudaMemcpyDeviceToHost);
  cudaFree(total);
  return 0;
}
