// Bug 1. Each block of 128 threads turns its part of x over. Sometimes the result is right, sometimes not.
#include "learn/lesson.h"

__global__ void reverse(const float* x, float* y) {
  __shared__ float block[128];
  block[threadIdx.x] = x[blockIdx.x * 128 + threadIdx.x];
  y[blockIdx.x * 128 + threadIdx.x] = block[127 - threadIdx.x];
}

// ---- the test
int main() {
  const int n = 512;
  const auto x = lesson::numbers(n);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(n);
  reverse<<<n / 128, 128>>>(in, out);
  return lesson::check(out, lesson::each(n, [&](int i) { return x[i / 128 * 128 + 127 - i % 128]; }))
      .result();
}
