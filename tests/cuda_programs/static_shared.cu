// wants 1: static_shared.cu:7: kernel both: shared array 'second': wanted at most 49152 bytes of __shared__ arrays in a kernel
__global__ void both() {
  __shared__ float first[8192], second[8192];
  first[threadIdx.x] = second[threadIdx.x] = 0;
}
int main() {
  both<<<1, 32>>>();
  return cudaDeviceSynchronize() != cudaSuccess ? 1 : 0;
}
