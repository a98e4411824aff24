// wants 1: load_matrix_sync wants memory aligned to 32 bytes (256 bits), and got an address 16 bytes past
// wants: tern: wmma_misaligned.cu:8: kernel begins_within, block (0, 0, 0), thread (0, 0, 0)
#include <mma.h>
using namespace nvcuda;

__global__ void begins_within(const half* x) {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::load_matrix_sync(a, x + 8, 24);
}

int main() {
  half* x;
  cudaMalloc(&x, 4096);
  cudaMemset(x, 0, 4096);
  begins_within<<<1, 32>>>(x);
  cudaDeviceSynchronize();
  return 0;
}
