// wants 1: tern: race_between_blocks.cu:4: kernel count, block (1, 0, 0), thread (0, 0, 0): reads total[0]
// wants: which block (0, 0, 0), thread (0, 0, 0) wrote at race_between_blocks.cu:4
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
