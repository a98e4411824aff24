// wants 1: wmma_unequal.cu:8: kernel own_rows, block (0, 0, 0), thread (31, 0, 0): load_matrix_sync: every lane of the warp must give the same pointer
// wants: but lane 1's is not lane 0's
#include <mma.h>
using namespace nvcuda;

__global__ void own_rows(const half* x) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::load_matrix_sync(a, x + threadIdx.x * 16, 16);
}

int main() {
  half* x;
  cudaMalloc(&x, 4096);
  cudaMemset(x, 0, 4096);
  own_rows<<<1, 32>>>(x);
  cudaDeviceSynchronize();
  return 0;
}
