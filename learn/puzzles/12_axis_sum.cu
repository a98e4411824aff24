// Puzzle 12, sum along an axis: y[row] = sum of x[row][column] over the columns, a warp for each row.
//
// The 32 threads of a warp, its lanes, can hand values to each other without memory: __shfl_down_sync(0xffffffff, value, d) is what
// lane + d has for `value`. (The first argument has a bit for each lane that takes part: all 32.) Five steps, d = 16, 8, 4, 2, 1, each
// of which adds what it gets, leave the sum of all 32 in lane 0; no shared memory, no barrier.
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
  const auto of_lanes = [&](int row, int first, int distance) {  // of some lanes' columns
    float sum = 0;
    for (int column = 0; column < columns; ++column)
      sum += column % 32 % distance == first ? x[row * columns + column] : 0;
    return sum;
  };
  return lesson::check(out, lesson::each(rows, [&](int row) { return sum_of(row, columns); }))
      .hint(lesson::each(rows, [&](int row) { return sum_of(row, 32); }),
            "these are the sums of the first 32 columns: a lane has more than one")
      .hint(lesson::each(rows, [&](int row) { return sum_of(row, 1); }),
            "these are the first column's values: the lanes have not been added")
      .hint(lesson::each(rows, [&](int row) { return of_lanes(row, 0, 32); }),
            "this is what lane 0 has added up: the other lanes' sums belong to it, by five shuffles")
      .hint(lesson::each(rows, [&](int row) { return of_lanes(row, 31, 32); }),
            "the last lane's value is handed through: each step adds what it gets, sum +=")
      .hint(lesson::each(rows, [&](int row) { return of_lanes(row, 0, 2); }),
            "every second lane is missing: the steps go down to d = 1, while d > 0")
      .hint(lesson::each(rows, [&](int row) { return 2 * sum_of(row, columns); }),
            "twice the sum: a lane has none 32 further on, and gets its own. The steps begin with d = 16")
      .hint(lesson::each(rows, [&](int row) { return 32 * of_lanes(row, 31, 32); }),
            "this is what the last lane ends up with: the whole sum is in lane 0")
      .hint(lesson::each(rows,
                         [&](int row) {
                           float sum = 0;
                           for (int column = 0; column < columns; ++column)
                             sum += x[row * columns + column] * static_cast<float>(std::min(column + 1, 32));
                           return sum;
                         }),
            "columns are added by several lanes: a lane has every 32nd one, column += 32")
      .hint(lesson::each(rows,
                         [&](int row) {
                           float sum = 0;
                           for (int column = 0; column < columns; ++column) sum += x[column * rows + row];
                           return sum;
                         }),
            "these are sums down the columns of another matrix: [row][column] lies at row * columns + column")
      .result();
}
