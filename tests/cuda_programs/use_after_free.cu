// wants 1: tern: use_after_free.cu:3: kernel ones, block (0, 0, 0), thread (0, 0, 0): writes data[0] of freed memory
// wants: cudaMalloc of 128 bytes (use_after_free.cu:7)
__global__ void ones(int *data) { data[threadIdx.x] = 1; }

int main() {
  int *data;
  cudaMalloc(&data, 32 * sizeof(int));
  cudaFree(data);
  ones<<<1, 32>>>(data);
  cudaDeviceSynchronize();
  return 0;
}
