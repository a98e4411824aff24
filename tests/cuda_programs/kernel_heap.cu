// A kernel's own memory: an index past its end, by the name of what was allocated.
// wants 1: kernel_heap.cu:7: kernel appends, block (0, 0, 0), thread (0, 0, 0): writes element 4, after the end of malloc of 16 bytes in a kernel (kernel_heap.cu:6), which has 4 elements of 4 bytes; launched at kernel_heap.cu:14
#include <cstdio>

__global__ void appends(int* sum, int n) {
  int* const all = static_cast<int*>(malloc(4 * sizeof(int)));
  for (int i = 0; i <= n; ++i) all[i] = i;
  sum[threadIdx.x] = all[0] + all[n];
  free(all);
}

int main() {
  int* sum;
  cudaMalloc(&sum, 32 * sizeof(int)), appends<<<1, 32>>>(sum, 4);
  std::printf("%s\n", cudaGetErrorString(cudaDeviceSynchronize()));
}
