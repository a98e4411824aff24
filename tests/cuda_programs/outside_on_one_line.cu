// The access's column is not what the compiler says, since a declaration before it was translated.
// wants 1: tern: outside_on_one_line.cu:5: kernel shift, block (0, 0, 0), thread (31, 0, 0)
// wants: shared array 'halo': element 32 of 32 is outside
__global__ void shift(float *data) {
  __shared__ float halo[32]; halo[threadIdx.x + 1] = data[threadIdx.x];
}

int main() {
  float *data;
  cudaMalloc(&data, 32 * sizeof(float));
  cudaMemset(data, 0, 32 * sizeof(float));
  shift<<<1, 32>>>(data);
  cudaDeviceSynchronize();
  return 0;
}
