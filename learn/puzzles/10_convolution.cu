// Puzzle 10, convolution in one dimension: y[i] = sum over k of w[k] * x[i + k], k = 0 .. 4, for the n - 4 elements that have
// all their neighbours. Blocks of 128 threads; x has n elements, y has n - 4.
//
// A block of 128 outputs wants 132 inputs: its own 128 and 4 of the next block's, the halo. Somebody must read those too.
#include "learn/lesson.h"

constexpr int kWidth = 5, kBlock = 128;

__global__ void convolve(const float* x, const float* w, float* y, int n) {
  __shared__ float part[kBlock + kWidth - 1];
  // Your code.
}

// ---- the test
int main() {
  const int n = 1000, outputs = n - kWidth + 1;
  const auto x = lesson::numbers(n, 1), w = lesson::numbers(kWidth, 2);
  const lesson::Memory in(x), weights(w);
  const lesson::Memory<float> out(outputs);
  convolve<<<(outputs + kBlock - 1) / kBlock, kBlock>>>(in, weights, out, n);
  const auto sum = [&](int i) {
    float of = 0;
    for (int k = 0; k < kWidth; ++k) of += w[k] * x[i + k];
    return of;
  };
  const auto flipped = [&](int i) {
    float of = 0;
    for (int k = 0; k < kWidth; ++k) of += w[kWidth - 1 - k] * x[i + k];
    return of;
  };
  return lesson::check(out, lesson::each(outputs, sum))
      .hint(lesson::each(outputs, flipped), "w runs backwards: networks' convolutions do not turn it over")
      .result();
}
