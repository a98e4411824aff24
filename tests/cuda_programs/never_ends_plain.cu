// options: --patience 1
// wants 1: tern: never_ends_plain.cu:8: kernel doubles, block (0, 0, 0), thread (7, 0, 0): the thread
// wants: without giving way
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
