// wants 1: failed_assert.cu:5
// wants: i < 40
// wants: block (0, 0, 0), thread (40, 0, 0)
#include <assert.h>
__global__ void checks() { int i = threadIdx.x; assert(i < 40); }

int main() {
  checks<<<1, 64>>>();
  return cudaDeviceSynchronize() == cudaSuccess ? 2 : 0;
}
