// Puzzle 13, transpose: y[column][row] = x[row][column].
//
// Read by rows and write by rows: one of the two matrices would be touched by columns, 32 sectors of 32 bytes a request instead
// of 4. So a tile of 32 x 32 goes through shared memory, __shared__ float tile[32][...]: read along its rows, written along its
// columns. There, columns are the trouble: shared memory lies in 32 banks, float after float, and each hands out one float at a time.
// 32 floats further is the same bank, so the 32 lanes of a warp in one column wait for each other: a bank conflict. Rows that are one
// float longer than they need be put that right.
// blockDim is (32, 8), x first: each thread has four elements of the tile. blockIdx.x counts tiles along the columns of x.
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
  const auto at = [&](int row, int column) { return x[row * columns + column]; };
  // The element i of y, from the tile that begins there.
  const auto answer = [&](auto&& value) {
    return lesson::each(rows * columns, [&](int i) {
      const int row = i % rows, column = i / rows;
      return value(row / 32 * 32, column / 32 * 32, row % 32, column % 32);
    });
  };
  return lesson::check(out, answer([&](int top, int left, int r, int c) { return at(top + r, left + c); }),
                       rows)
      .hint(x, "this is x itself, not transposed")
      .hint(answer([&](int top, int left, int r, int c) {
              return r < 8 ? at(top + r, left + c) : lesson::kUnwritten;
            }),
            "8 of 32 rows are there: blockDim.y is 8, so each thread has four elements of the tile, 8 rows "
            "apart")
      .hint(answer([&](int top, int left, int r, int c) { return at(top + c, left + r); }),
            "the tiles are where they belong, each by itself is not transposed: what was written to "
            "tile[row][column] is read as tile[column][row]")
      .hint_if(
          [&](const auto& y) {
            for (int i = 0; i < rows * columns; ++i) {
              const int row = i / columns, column = i % columns;
              if (y[i] != at(row / 32 * 32 + column % 32, column / 32 * 32 + row % 32)) return false;
            }
            return true;
          },
          "each tile is transposed, and stands where it stood in x: in y the tile of row blockIdx.y and "
          "column "
          "blockIdx.x has row blockIdx.x and column blockIdx.y")
      .hint(answer([&](int top, int left, int r, int c) { return at(top / 4 + r, left + c); }),
            "the tiles overlap: there are 32 rows from one to the next, not blockDim.y")
      .result();
}
