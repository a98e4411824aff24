// wants 1: kernel_called.cu:7: wanted add<<<blocks, threads>>>(...), since it is a kernel, got add(...)
template <typename T>
__global__ void __launch_bounds__(256) add(T *x) { x[threadIdx.x] += 1; }
int main() {
  float *x;
  cudaMalloc(&x, 128);
  add<float>(x);
  return cudaFree(x);
}
