// Bug 6. The sum of n elements by one block; n is no multiple of its size, so some threads have nothing to do.
#include "learn/lesson.h"

__global__ void sum(const float* x, float* y, int n) {
  __shared__ float sums[128];
  const int i = threadIdx.x;
  if (i >= n) return;
  sums[i] = x[i];
  for (int half = 64; half > 0; half /= 2) {
    __syncthreads();
    if (i < half && i + half < n) sums[i] += sums[i + half];
  }
  if (i == 0) *y = sums[0];
}

// ---- the test
int main() {
  const int n = 100;
  const auto x = lesson::numbers(n);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(1);
  sum<<<1, 128>>>(in, out, n);
  float wanted = 0;
  for (const float value : x) wanted += value;
  return lesson::check(out, {wanted}).result();
}
