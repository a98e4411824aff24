// wants 1: use_after_free.cu:3
// wants: freed memory
__global__ void ones(int *data) { data[threadIdx.x] = 1; }

int main() {
  int *data;
  cudaMalloc(&data, 32 * sizeof(int));
  cudaFree(data);
  ones<<<1, 32>>>(data);
  cudaDeviceSynchronize();
  return 0;
}
