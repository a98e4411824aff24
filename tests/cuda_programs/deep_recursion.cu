// wants 1: deep_recursion.cu:
// wants: kernel dives
// wants: its stack is full
__device__ __noinline__ int depth(volatile int *x, int n) {
  volatile int room[100];
  room[n % 100] = n;
  const int below = *x == 0 ? depth(x, n + 1) : 0;
  return below + room[n % 100];
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
