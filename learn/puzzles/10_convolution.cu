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
  const auto of_first_halo = [&](int i) {
    float of = 0;
    for (int k = 0; k < kWidth; ++k) of += w[k] * x[i % kBlock + k < kBlock ? i + k : i % kBlock + k];
    return of;
  };
  return lesson::check(out, lesson::each(outputs, sum))
      .hint(lesson::each(outputs, flipped), "w runs backwards: networks' convolutions do not turn it over")
      .hint(lesson::each(outputs, [&](int i) { return sum(i) - w[4] * x[i + 4]; }),
            "these are four terms: k = 4 belongs to the sum, k < kWidth")
      .hint(lesson::each(outputs, of_first_halo),
            "every block has the first block's halo: its own begins at (blockIdx.x + 1) * kBlock")
      .hint(lesson::each(outputs, [&](int i) { return i + 1 < outputs ? sum(i) : lesson::kUnwritten; }),
            "the last output is missing: it is n - 5, and i < n - 4 lets it in")
      .result();
}
