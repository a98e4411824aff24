// Puzzle 13, transpose: y[column][row] = x[row][column].
//
// Read by rows and write by rows: one of the two matrices would be touched by columns, 32 sectors of 32 bytes a request instead
// of 4. So a tile of 32 x 32 goes through shared memory. There, columns are the trouble: 32 floats further is the same bank, and
// the 32 lanes of a warp wait for each other. A row that is one float longer than it need be puts that right.
// blockDim is (32, 8): each thread has four elements of the tile.
#include "learn/lesson.h"

__global__ void transpose(const float* x, float* y, int rows, int columns) {
  // Your code.
}

// ---- the test
int main() {
  const int rows = 96, columns = 160;
  const auto x = lesson::numbers(rows * columns);
  const lesson::Memory in(x);
  const lesson::Memory<float> out(rows * columns);
  transpose<<<dim3(columns / 32, rows / 32), dim3(32, 8)>>>(in, out, rows, columns);
  return lesson::check(
             out, lesson::each(rows * columns, [&](int i) { return x[i % rows * columns + i / rows]; }), rows)
      .hint(x, "this is x itself, not transposed")
      .result();
}
