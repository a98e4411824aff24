// wants 1: tern: wmma_divided.cu:12: kernel half_a_warp
// wants: waits at mma_sync with mask 0xffffffff for lanes that never come
// wants: 16 wait, 16 have ended
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
