// tile[lane][row]: neighbours are 32 floats apart, in the same bank, and 32 of them wait for each other. A row that is one longer
// puts each lane in a bank of its own. (And here the tile might as well lie the other way round.)
__global__ void column_sums(const float* x, float* y) {
  __shared__ float tile[32][33];
  for (int row = 0; row < 32; ++row) tile[threadIdx.x][row] = x[row * 32 + threadIdx.x];
  __syncthreads();
  float sum = 0;
  for (int row = 0; row < 32; ++row) sum += tile[threadIdx.x][row];
  y[threadIdx.x] = sum;
}
