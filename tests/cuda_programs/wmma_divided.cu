// wants 1: wmma_divided.cu:12
// wants: every thread it waits for at mma_sync
// wants: 16 wait and 16 have ended
#include <mma.h>
using namespace nvcuda;

__global__ void half_a_warp() {
  wmma::fragment<wmma::matrix_a, 16, 16, 16, half, wmma::row_major> a;
  wmma::fragment<wmma::matrix_b, 16, 16, 16, half, wmma::row_major> b;
  wmma::fragment<wmma::accumulator, 16, 16, 16, float> c;
  wmma::fill_fragment(a, __float2half(1)), wmma::fill_fragment(b, __float2half(1)), wmma::fill_fragment(c, 0.0f);
  if (threadIdx.x < 16) wmma::mma_sync(c, a, b, c);
}

int main() {
  half_a_warp<<<1, 32>>>();
  cudaDeviceSynchronize();
  return 0;
}
