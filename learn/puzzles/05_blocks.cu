// Puzzle 5, blocks: y[i] = 2 * x[i] for n elements, by many blocks.
//
// A block has at most 1024 threads, and runs on one multiprocessor of the GPU; a grid of many blocks fills them all. Beside
// threadIdx.x there are blockIdx.x, which block this is, and blockDim.x, how many threads each has.
#include "learn/lesson.h"

__global__ void twice(const float* x, float* y, int n) {
  // Your code: two lines.
}

// ---- the test
int main() {
  const int n = 1000, threads = 128;
  const auto x = lesson::numbers(n);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(n);
  twice<<<(n + threads - 1) / threads, threads>>>(in, out, n);
  return lesson::check(out, lesson::each(n, [&](int i) { return 2 * x[i]; }))
      .hint(x, "this is x: twice that is wanted")
      .hint(lesson::each(n, [&](int i) { return x[i] * x[i]; }), "this is the square: twice x is wanted")
      .hint(lesson::each(n, [&](int i) { return i < threads ? lesson::kUnwritten : 2 * x[i]; }),
            "the first block's elements are missing: blockIdx.x begins at 0")
      .hint(lesson::each(n, [&](int i) { return i < threads ? 2 * x[i] : lesson::kUnwritten; }),
            "the first block's elements alone are there: the next begin blockDim.x further, blockIdx.x * "
            "blockDim.x")
      .hint(lesson::each(n, [&](int i) { return i % threads < 8 ? 2 * x[i] : lesson::kUnwritten; }),
            "the block comes first: blockIdx.x * blockDim.x are before it, and threadIdx.x counts within")
      .result();
}
