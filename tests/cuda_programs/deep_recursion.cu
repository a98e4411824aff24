// wants 1: deep_recursion.cu:
// wants: kernel
__device__ int depth(volatile int *x, int n) {
  volatile char room[1000];
  room[n % 1000] = 1;
  return *x == 0 ? room[n % 1000] + depth(x, n + 1) : 0;
}
__global__ void dives(int *x) { x[1] = depth(x, 0); }

int main() {
  int *data;
  cudaMalloc(&data, 2 * sizeof(int));
  cudaMemset(data, 0, 2 * sizeof(int));
  dives<<<1, 1>>>(data);
  cudaDeviceSynchronize();
  return 0;
}
