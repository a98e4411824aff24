// wants 1: launched_without_global.cu:6: wanted __global__ before add, which is launched by <<<...>>>, got a function of the host
void add(float *x) { x[threadIdx.x] += 1; }
int main() {
  float *x;
  cudaMalloc(&x, 128);
  add<<<1, 32>>>(x);
  return cudaFree(x);
}
