// wants 1: tern: missing_copy.cu:5: kernel add, block (0, 0, 0), thread (0, 0, 0): reads b[0]
// wants: which nobody has written: cudaMalloc of 256 bytes (missing_copy.cu:10)
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
  return 0;
}
