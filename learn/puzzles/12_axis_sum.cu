// Puzzle 12, sum along an axis: y[row] = sum of x[row][column] over the columns, a warp for each row.
//
// The threads of a warp can hand values to each other without memory: __shfl_down_sync(0xffffffff, value, d) is the value of
// the lane d further up. Five steps, d = 16, 8, 4, 2, 1, leave the sum of all 32 in lane 0; no shared memory, no barrier.
// blockDim is (32, 4): threadIdx.x is the lane, threadIdx.y the warp.
#include "learn/lesson.h"

__global__ void sum_rows(const float* x, float* y, int rows, int columns) {
  // Your code.
}

// ---- the test
int main() {
  const int rows = 10, columns = 100;
  const auto x = lesson::numbers(rows * columns);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(rows);
  sum_rows<<<(rows + 3) / 4, dim3(32, 4)>>>(in, out, rows, columns);
  const auto sum_of = [&](int row, int end) {
    float sum = 0;
    for (int column = 0; column < end; ++column) sum += x[row * columns + column];
    return sum;
  };
  return lesson::check(out, lesson::each(rows, [&](int row) { return sum_of(row, columns); }))
      .hint(lesson::each(rows, [&](int row) { return sum_of(row, 32); }),
            "these are the sums of the first 32 columns: a lane has more than one")
      .hint(lesson::each(rows, [&](int row) { return sum_of(row, 1); }),
            "these are the first column's values: the lanes have not been added")
      .result();
}
