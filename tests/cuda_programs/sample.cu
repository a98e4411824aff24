// options: --sample 4 --profile-from-start off --device A100
// wants 1: small is right, big is not
// wants: what the program computed is
// wants: copy: 65536 blocks (of which 4 were run) of 256 threads
// wants: 134 MB at 2039 GB/s
// wants: 67108864  dram__bytes_write.sum
// A launch between cudaProfilerStart and cudaProfilerStop is sampled, one outside of them is run whole and not reported. Counts are
// those of all blocks.
#include <cuda_profiler_api.h>
#include <cstdio>
#include <vector>

__global__ void copy(const float* x, float* y) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}

bool is_right(int n, bool profiled) {
  std::vector<float> values(n, 1.0f);
  float *x, *y;
  cudaMalloc(&x, n * sizeof(float));
  cudaMalloc(&y, n * sizeof(float));
  cudaMemcpy(x, values.data(), n * sizeof(float), cudaMemcpyHostToDevice);
  if (profiled) cudaProfilerStart();
  copy<<<n / 256, 256>>>(x, y);
  if (profiled) cudaProfilerStop();
  cudaMemcpy(values.data(), y, n * sizeof(float), cudaMemcpyDeviceToHost);
  cudaFree(x);
  cudaFree(y);
  for (float value : values) {
    if (value != 1.0f) return false;
  }
  return true;
}

int main() {
  const bool small = is_right(1 << 12, false), big = is_right(1 << 24, true);
  printf("small is %s, big is %s\n", small ? "right" : "not", big ? "right" : "not");
  return !big;
}
