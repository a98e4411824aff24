// wants 1: shared array 'tile': element 118 of 256 is read with no barrier after thread 14 wrote it
// wants: tern: wmma_race.cu:10: kernel no_barrier
#include <mma.h>
using namespace nvcuda;

__global__ void no_barrier(const half* x) {
  __shared__ __align__(32) half tile[16 * 16];
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::col_major> b;
  for (int i = 0; i < 8; ++i) tile[threadIdx.x * 8 + i] = x[i];
  wmma::load_matrix_sync(b, tile, 16);
}

int main() {
  half* x;
  cudaMalloc(&x, 16);
  cudaMemset(x, 0, 16);
  no_barrier<<<1, 32>>>(x);
  cudaDeviceSynchronize();
  return 0;
}
