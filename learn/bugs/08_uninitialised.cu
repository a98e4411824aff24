// Bug 8. A histogram of 16 bins in shared memory. On one machine it works after a restart.
#include "learn/lesson.h"

__global__ void histogram(const int* values, int* counts, int n) {
  __shared__ int bins[16];
  for (int i = threadIdx.x; i < n; i += blockDim.x) atomicAdd(&bins[values[i]], 1);
  __syncthreads();
  if (threadIdx.x < 16) counts[threadIdx.x] = bins[threadIdx.x];
}

// ---- the test
int main() {
  const int n = 1000;
  const auto numbers = lesson::numbers(n);
  const auto values = lesson::each<int>(n, [&](int i) { return static_cast<int>(numbers[i] + 8) % 16; });
  std::vector<int> wanted(16);
  for (const int value : values) ++wanted[value];
  const lesson::Memory in(values);
  const lesson::Memory<int> out(16);
  histogram<<<1, 128>>>(in, out, n);
  return lesson::check(out, wanted).result();
}
