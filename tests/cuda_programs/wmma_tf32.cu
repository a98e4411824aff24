// wants 1: wmma_tf32.cu:15: kernel unconverted, block (0, 0, 0), thread (31, 0, 0): mma_sync wants tf32 numbers, each element of a and b converted by __float_to_tf32, and got 0.1 in lane 0
#include <mma.h>
using namespace nvcuda;

__global__ void unconverted(float* y, bool convert) {
  wmma::fragment<wmma::matrix_a, 16, 16, 8, wmma::precision::tf32, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 8, wmma::precision::tf32, wmma::col_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 8, float> c;
  wmma::fill_fragment(a, 0.1f);
  wmma::fill_fragment(b, 1.0f);
  wmma::fill_fragment(c, 0.0f);
  if (convert) {
    for (int i = 0; i < a.num_elements; ++i) a.x[i] = wmma::__float_to_tf32(a.x[i]);
  }
  wmma::mma_sync(c, a, b, c);
  wmma::store_matrix_sync(y, c, 16, wmma::mem_row_major);
}

int main() {
  float* y;
  cudaMalloc(&y, 1024);
  unconverted<<<1, 32>>>(y, true);
  unconverted<<<1, 32>>>(y, false);
  cudaDeviceSynchronize();
  return 0;
}
