// options: --patience 1
// wants 1: never_ends_plain.cu:8
// wants: thread (7, 0, 0)
__global__ void doubles(unsigned *out) {
  unsigned n = threadIdx.x == 7 ? 8 : 1;
  while (n % 2 == 0) n *= 2;
  out[threadIdx.x] = n;
}

int main() {
  unsigned *out;
  cudaMalloc(&out, 32 * sizeof(unsigned));
  doubles<<<1, 32>>>(out);
  cudaDeviceSynchronize();
  return 0;
}
