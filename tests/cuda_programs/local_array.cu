// A thread's own array, indexed past its end: on a GPU it writes over whatever lies there.
// wants 1: local_array.cu:9: kernel smooths, block (0, 0, 0), thread (0, 0, 0): touches window[5], after the end of window, which has 5 elements
// wants: launched at local_array.cu:20
#include <cstdio>

__global__ void smooths(const float* x, float* y, int n, int reach) {
  const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
  float window[5];
  for (int k = 0; k <= 2 * reach; ++k) window[k] = i + k < n ? x[i + k] : 0.0f;
  float sum = 0;
  for (int k = 0; k < 5; ++k) sum += window[k];
  if (i < n) y[i] = sum / 5;
}

int main() {
  float *x, *y;
  cudaMalloc(&x, 100 * sizeof(float));
  cudaMalloc(&y, 100 * sizeof(float));
  cudaMemset(x, 0, 100 * sizeof(float));
  smooths<<<1, 128>>>(x, y, 100, 3);
  std::printf("%s\n", cudaGetErrorString(cudaDeviceSynchronize()));
}
