// wants 1: wmma_small_warp.cu:9: kernel small_block, block (0, 0, 0), thread (0, 0, 0): load_matrix_sync wants the 32 lanes of a whole warp
// wants: this warp of the block has 16
#include <mma.h>
using namespace nvcuda;

__global__ void small_block(const half* x) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::fill_fragment(a, __float2half(0));
  wmma::load_matrix_sync(a, x, 16);
}

int main() {
  half* x;
  cudaMalloc(&x, 512);
  cudaMemset(x, 0, 512);
  small_block<<<1, 16>>>(x);
  cudaDeviceSynchronize();
  return 0;
}
