// Ladder: y[column][row] = x[row][column]. No arithmetic at all: what counts is how memory is touched.
//
// After Mark Harris, "An Efficient Matrix Transpose in CUDA C/C++", 2013.
#include "learn/ladder.h"

constexpr int kTile = 32, kRows = 8;  // a block has 32 x 8 threads and a tile of 32 x 32

// The floor: as many bytes, but nothing turned over.
__global__ void copy(const float* x, float* y, int rows, int columns) {
  const int column = blockIdx.x * kTile + threadIdx.x;
  for (int i = threadIdx.y; i < kTile; i += kRows) {
    const int row = blockIdx.y * kTile + i;
    y[row * columns + column] = x[row * columns + column];
  }
}

// Reads rows, writes columns: 32 lanes write to 32 sectors, of which each gets 4 of its 32 bytes.
__global__ void by_columns(const float* x, float* y, int rows, int columns) {
  const int column = blockIdx.x * kTile + threadIdx.x;
  for (int i = threadIdx.y; i < kTile; i += kRows) {
    const int row = blockIdx.y * kTile + i;
    y[column * rows + row] = x[row * columns + column];
  }
}

// Through shared memory both sides go by rows. Now the columns are there, all in one bank.
__global__ void by_tiles(const float* x, float* y, int rows, int columns) {
  __shared__ float tile[kTile][kTile];
  const int row = blockIdx.y * kTile, column = blockIdx.x * kTile;
  for (int i = threadIdx.y; i < kTile; i += kRows)
    tile[i][threadIdx.x] = x[(row + i) * columns + column + threadIdx.x];
  __syncthreads();
  for (int i = threadIdx.y; i < kTile; i += kRows)
    y[(column + i) * rows + row + threadIdx.x] = tile[threadIdx.x][i];
}

// A row that is one longer: a column lies in 32 banks.
__global__ void by_padded_tiles(const float* x, float* y, int rows, int columns) {
  __shared__ float tile[kTile][kTile + 1];
  const int row = blockIdx.y * kTile, column = blockIdx.x * kTile;
  for (int i = threadIdx.y; i < kTile; i += kRows)
    tile[i][threadIdx.x] = x[(row + i) * columns + column + threadIdx.x];
  __syncthreads();
  for (int i = threadIdx.y; i < kTile; i += kRows)
    y[(column + i) * rows + row + threadIdx.x] = tile[threadIdx.x][i];
}

// The same without the longer row: element [row][column] is kept at [row][column ^ row].
__global__ void by_swizzled_tiles(const float* x, float* y, int rows, int columns) {
  __shared__ float tile[kTile][kTile];
  const int row = blockIdx.y * kTile, column = blockIdx.x * kTile, lane = threadIdx.x;
  for (int i = threadIdx.y; i < kTile; i += kRows) tile[i][lane ^ i] = x[(row + i) * columns + column + lane];
  __syncthreads();
  for (int i = threadIdx.y; i < kTile; i += kRows) y[(column + i) * rows + row + lane] = tile[lane][i ^ lane];
}

int main() {
  const int rows = 512, columns = 256;
  const auto x = lesson::numbers(rows * columns);
  const lesson::Memory in(x);
  const dim3 grid(columns / kTile, rows / kTile), block(kTile, kRows);
  lesson::Ladder floor(x, 0, 0);
  floor.rung("copy", "the floor: the same bytes, nothing turned over",
             [&](float* y) { copy<<<grid, block>>>(in, y, rows, columns); });
  lesson::Ladder ladder(
      lesson::each(rows * columns, [&](int i) { return x[i % rows * columns + i / rows]; }));
  ladder.rung("by_columns", "writes columns",
              [&](float* y) { by_columns<<<grid, block>>>(in, y, rows, columns); });
  ladder.rung("by_tiles", "a tile in shared memory",
              [&](float* y) { by_tiles<<<grid, block>>>(in, y, rows, columns); });
  ladder.rung("by_padded_tiles", "its rows one longer",
              [&](float* y) { by_padded_tiles<<<grid, block>>>(in, y, rows, columns); });
  ladder.rung("by_swizzled_tiles", "or its columns shuffled",
              [&](float* y) { by_swizzled_tiles<<<grid, block>>>(in, y, rows, columns); });
  return floor.result() | ladder.result();
}
