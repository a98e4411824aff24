// Puzzle 2, guard: y[i] = a[i] * b[i] for n elements, with more threads than elements.
//
// Blocks come in whole numbers of threads, and good numbers are multiples of 32, a warp. So there are often threads left over:
// they must do nothing, for what lies behind an array belongs to somebody else. n is an argument like the others.
#include "learn/lesson.h"

__global__ void multiply(const float* a, const float* b, float* y, int n) {
  // Your code: two lines.
}

// ---- the test
int main() {
  const int n = 50;
  const auto a = lesson::numbers(n, 1), b = lesson::numbers(n, 2);
  const lesson::Memory in_a(a), in_b(b);
  const lesson::Memory<float> out(n);
  multiply<<<1, 64>>>(in_a, in_b, out, n);
  return lesson::check(out, lesson::each(n, [&](int i) { return a[i] * b[i]; }))
      .hint(lesson::each(n, [&](int i) { return a[i] + b[i]; }), "this is the sum: the product is asked for")
      .hint(lesson::each(n, [&](int i) { return a[i] * a[i]; }), "this is a * a: one factor is of b")
      .hint(lesson::each(n, [&](int i) { return i < 32 ? a[i] * b[i] : lesson::kUnwritten; }),
            "these are the first 32: the guard is to let all n elements in, i < n")
      .result();
}
