// wants 0: note: same_value.cu:7: kernel any_negative, block (0, 0, 0), thread (1, 0, 0): writes found[0]
// wants: Both write the same value, so a GPU does as it is meant; CUDA calls it a race nevertheless; launched at same_value.cu:14
// wants: found 1
#include <cstdio>
__global__ void any_negative(const float *x, int *found, int n) {
  int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i < n && x[i] < 0) *found = 1;
}

int main() {
  float x[4] = {-1, -2, 3, -4}, *on_device;
  int *found, host = 0;
  cudaMalloc(&on_device, sizeof(x)), cudaMalloc(&found, sizeof(int)), cudaMemset(found, 0, sizeof(int));
  cudaMemcpy(on_device, x, sizeof(x), cudaMemcpyHostToDevice), any_negative<<<1, 4>>>(on_device, found, 4);
  cudaMemcpy(&host, found, sizeof(int), cudaMemcpyDeviceToHost);
  printf("found %d\n", host);
  cudaFree(on_device), cudaFree(found);
  return 0;
}
