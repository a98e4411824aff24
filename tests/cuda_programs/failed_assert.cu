// wants 1: tern: failed_assert.cu:4: kernel checks, block (0, 0, 0), thread (40, 0, 0): assert(i < 40) failed
// wants: launched at failed_assert.cu:7
#include <assert.h>
__global__ void checks() { int i = threadIdx.x; assert(i < 40); }

int main() {
  checks<<<1, 64>>>();
  return cudaDeviceSynchronize() == cudaSuccess ? 2 : 0;
}
