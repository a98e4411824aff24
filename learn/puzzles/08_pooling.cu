// Puzzle 8, pooling: y[i] = x[i - 2] + x[i - 1] + x[i], with fewer terms at the beginning. One block; n is its size.
//
// Three threads want each element: read it from memory once, keep it in shared memory, and let all three take it from there.
// The profiler counts the requests to global memory: one load a warp is enough.
#include "learn/lesson.h"

__global__ void pool(const float* x, float* y) {
  __shared__ float row[128];
  // Your code.
}

// ---- the test
int main() {
  const int n = 128;
  const auto x = lesson::numbers(n);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(n);
  pool<<<1, n>>>(in, out);
  const auto two = [&](int i) { return x[i] + (i > 0 ? x[i - 1] : 0); };
  const auto sum = [&](int i) { return two(i) + (i > 1 ? x[i - 2] : 0); };
  const auto after = [&](int i) { return x[i] + (i + 1 < n ? x[i + 1] : 0) + (i + 2 < n ? x[i + 2] : 0); };
  return lesson::check(out, lesson::each(n, sum))
      .hint(x, "this is x: the two before it belong to the sum")
      .hint(lesson::each(n, two), "these are two terms: x[i - 2] belongs to the sum")
      .hint(lesson::each(n, [&](int i) { return i < 2 ? 0 : sum(i); }),
            "the first two have fewer terms, and not none: x[0], x[0] + x[1]")
      .hint(lesson::each(n, [&](int i) { return i < 2 ? lesson::kUnwritten : sum(i); }),
            "the first two have fewer terms, and not none: x[0], x[0] + x[1]")
      .hint(lesson::each(n, [&](int i) { return sum(i) / 3; }), "these are means: the sum is asked for")
      .hint(lesson::each(n, after), "these are i and the two after it: those before it are asked for")
      .result();
}
