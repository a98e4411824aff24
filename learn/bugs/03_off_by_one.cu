// Bug 3. y = x + 1. It passes its test on many machines.
#include "learn/lesson.h"

__global__ void increment(const float* x, float* y, int n) {
  const int i = blockIdx.x * blockDim.x + threadIdx.x;
  if (i <= n) y[i] = x[i] + 1;
}

// ---- the test
int main() {
  const int n = 100;
  const auto x = lesson::numbers(n);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(n);
  increment<<<1, 128>>>(in, out, n);
  return lesson::check(out, lesson::each(n, [&](int i) { return x[i] + 1; })).result();
}
