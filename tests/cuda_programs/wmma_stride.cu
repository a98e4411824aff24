// wants 1: wmma_stride.cu:9: kernel odd_rows, block (0, 0, 0), thread (0, 0, 0): store_matrix_sync wants rows (columns) a multiple of 16 bytes apart, and got ldm 18, 72 bytes
#include <mma.h>
using namespace nvcuda;

__global__ void odd_rows(float* y) {
  __shared__ float tile[16 * 18];
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> c;
  wmma::fill_fragment(c, 1.0f);
  wmma::store_matrix_sync(tile, c, 18, wmma::mem_row_major);
  __syncwarp();
  y[threadIdx.x] = tile[threadIdx.x];
}

int main() {
  float* y;
  cudaMalloc(&y, 128);
  odd_rows<<<1, 32>>>(y);
  cudaDeviceSynchronize();
  return 0;
}
