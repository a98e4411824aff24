// Puzzle 4, broadcast: y[row][column] = a[row] + b[column].
//
// Every thread of a row reads the same a[row]. Those of one warp that read the same address do so with one request: a broadcast
// costs no more than one thread's read.
#include "learn/lesson.h"

__global__ void outer_sum(const float* a, const float* b, float* y, int rows, int columns) {
  // Your code.
}

// ---- the test
int main() {
  const int rows = 7, columns = 20;
  const auto a = lesson::numbers(rows, 1), b = lesson::numbers(columns, 2);
  const lesson::Memory in_a(a), in_b(b);
  const lesson::Memory<float> out(rows * columns);
  outer_sum<<<1, dim3(32, 8)>>>(in_a, in_b, out, rows, columns);
  return lesson::check(out,
                       lesson::each(rows * columns, [&](int i) { return a[i / columns] + b[i % columns]; }),
                       columns)
      .hint(lesson::each(rows * columns, [&](int i) { return a[i % columns % rows] + b[i % columns]; }),
            "a is read by column: it has a value for each row")
      .result();
}
