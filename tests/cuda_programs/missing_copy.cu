// wants 1: tern: missing_copy.cu:7: kernel add, block (0, 0, 0), thread (0, 0, 0): reads b[0]
// wants: which nobody has written: cudaMalloc of 256 bytes (missing_copy.cu:12)
// wants: it went on: no error
#include <cstdio>
__global__ void add(const float *a, const float *b, float *c) {
  int i = threadIdx.x;
  c[i] = a[i] + b[i];
}

int main() {
  float host[64] = {0}, *a, *b, *c;
  cudaMalloc(&a, sizeof(host)); cudaMalloc(&b, sizeof(host)); cudaMalloc(&c, sizeof(host));
  cudaMemcpy(a, host, sizeof(host), cudaMemcpyHostToDevice);
  add<<<1, 64>>>(a, b, c);
  cudaMemcpy(host, c, sizeof(host), cudaMemcpyDeviceToHost);
  std::printf("it went on: %s\n", cudaGetErrorString(cudaGetLastError()));
  return 0;
}
