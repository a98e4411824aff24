// As CUDA's manual shows how to make an atomic operation that a GPU lacks: begun by a plain read.
// wants 0: note: compare_and_swap.cu:10: kernel maximum
// wants: The value that is read may be an old one: as it is meant where the atomicCAS checks it
// wants: the largest is 99
#include <cstdio>
__device__ float atomicMaxFloat(float *address, float value) {
  int *bits = (int *)address, old = *bits, assumed;
  while (value > __int_as_float(old)) {
    assumed = old;
    old = atomicCAS(bits, assumed, __float_as_int(value));
    if (old == assumed) break;
  }
  return __int_as_float(old);
}

__global__ void maximum(const float *x, float *largest) {
  atomicMaxFloat(largest, x[blockIdx.x * blockDim.x + threadIdx.x]);
}

int main() {
  float x[256], *on_device, *largest, host = 0;
  for (int i = 0; i < 256; ++i) x[i] = (i * 37) % 100;
  cudaMalloc(&on_device, sizeof(x)), cudaMalloc(&largest, sizeof(float));
  cudaMemcpy(on_device, x, sizeof(x), cudaMemcpyHostToDevice), cudaMemset(largest, 0, sizeof(float));
  maximum<<<4, 64>>>(on_device, largest);
  cudaMemcpy(&host, largest, sizeof(float), cudaMemcpyDeviceToHost);
  printf("the largest is %g\n", host);
  cudaFree(on_device), cudaFree(largest);
  return 0;
}
