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
  const auto of_first_columns = [&](int i) {
    return i % columns < 8 ? a[i / columns] + b[i % columns] : lesson::kUnwritten;
  };
  return lesson::check(out,
                       lesson::each(rows * columns, [&](int i) { return a[i / columns] + b[i % columns]; }),
                       columns)
      .hint(lesson::each(rows * columns, [&](int i) { return a[i % columns % rows] + b[i % columns]; }),
            "a is read by column: it has a value for each row")
      .hint(lesson::each(rows * columns, [&](int i) { return a[i / columns] + b[i / columns]; }),
            "b is read by row: it has a value for each column")
      .hint(lesson::each(rows * columns, [&](int i) { return a[0] + b[i % columns]; }),
            "every row has a[0]: its own is a[row]")
      .hint(lesson::each(rows * columns, [&](int i) { return a[i / columns] * b[i % columns]; }),
            "these are the products: the sums are asked for")
      .hint(lesson::each(rows * columns, [&](int i) { return a[i % rows] + b[i / rows]; }),
            "this is the matrix transposed: the element of a row and a column lies at row * columns + column")
      .hint(lesson::each(rows * columns, of_first_columns),
            "columns 8 to 19 are missing: there are 32 threads in x and 8 in y, so columns are x and rows y")
      .result();
}
