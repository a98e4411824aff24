// Indices beyond a row: of a shared array another row, which is a note; of the host's own array a fault, after which it goes on.
// wants 1: note: array_rows.cu:11: kernel turns, block (0, 0, 0), thread (31, 0, 0): touches tile[1][32], after the end of tile[1], which has 32 elements; that is another row
// wants: array_rows.cu:22: host code touches rows[2], after the end of rows, which has 2 rows
// wants: done
#include <cstdio>

__global__ void turns(float* y) {
  __shared__ float tile[4][32];
  for (int row = 0; row < 4; ++row) tile[row][threadIdx.x] = row;
  __syncthreads();
  y[threadIdx.x] = tile[1][threadIdx.x + 1];
}

int main(int count, char**) {
  float* y;
  cudaMalloc(&y, 32 * sizeof(float));
  turns<<<1, 32>>>(y);
  cudaDeviceSynchronize();
  cudaFree(y);
  float rows[2][3] = {};
  const float (*view)[3] = rows;
  std::printf("%g ", static_cast<double>(rows[count + 1][0]) * 0 + static_cast<double>(view[0][0]));
  std::printf("done\n");
}
