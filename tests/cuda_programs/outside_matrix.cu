// wants 1: tern: outside_matrix.cu:6: kernel fill, block (0, 0, 0), thread (1, 0, 0)
// wants: shared array 'tile': element 1057 of 1056 ([4][0][1]) is outside
__global__ void fill(float *data) {
  __shared__ float tile[4][8][33];
  tile[0][threadIdx.x][0] = data[threadIdx.x];
  if (threadIdx.x == 1) tile[4][0][1] = 0;
}

int main() {
  float *data;
  cudaMalloc(&data, 8 * sizeof(float));
  cudaMemset(data, 0, 8 * sizeof(float));
  fill<<<1, 8>>>(data);
  cudaDeviceSynchronize();
  return 0;
}
