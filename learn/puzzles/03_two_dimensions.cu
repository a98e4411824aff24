// Puzzle 3, two dimensions: y[row][column] = x[row][column] + 10 for a matrix of `rows` x `columns`.
//
// A block may have threads in two dimensions: threadIdx.x and threadIdx.y. Memory has one: row after row, so the element
// [row][column] lies at row * columns + column. Threads that are neighbours in x should work on neighbours in memory, since a
// warp's 32 threads (x first) fetch 32-byte pieces together: columns are x.
#include "learn/lesson.h"

__global__ void add_ten(const float* x, float* y, int rows, int columns) {
  // Your code: four lines.
}

// ---- the test
int main() {
  const int rows = 6, columns = 13;
  const auto x = lesson::numbers(rows * columns);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(rows * columns);
  add_ten<<<1, dim3(16, 8)>>>(in, out, rows, columns);
  const auto of_first_columns = [&](int i) { return i % columns < 8 ? x[i] + 10 : lesson::kUnwritten; };
  return lesson::check(out, lesson::each(rows * columns, [&](int i) { return x[i] + 10; }), columns)
      .hint(x, "this is x: add 10")
      .hint(lesson::each(rows * columns, of_first_columns),
            "columns 8 to 12 are missing: there are 16 threads in x and 8 in y, so columns are x and rows y")
      .hint(
          lesson::each(rows * columns, [&](int i) { return x[i % rows * columns + i / rows] + 10; }),
          "rows and columns have changed places: where is y[row][column] written? At row * columns + column")
      .result();
}
