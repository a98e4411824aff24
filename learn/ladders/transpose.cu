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

struct Turn {
  int rows, columns;
  std::vector<float> values;
  lesson::Memory<float> x{values};

  explicit Turn(dim3 size) : rows(size.y), columns(size.x), values(lesson::numbers(rows * columns)) {}
  std::string size() const { return std::to_string(rows) + " x " + std::to_string(columns); }
  int outputs() const { return rows * columns; }
  std::vector<float> answer() const {
    return lesson::each(rows * columns, [this](int i) { return values[i % rows * columns + i / rows]; });
  }
  dim3 grid() const { return dim3(columns / kTile, rows / kTile); }
};

struct Copy : Turn {
  using Turn::Turn;
  std::vector<float> answer() const { return values; }
};

int main(int arguments, char**) {
  const dim3 small(256, 512), large(4096, 4096), block(kTile, kRows);
  lesson::Ladder<Copy> floor(arguments, small, large, 0);
  floor.rung("copy", "the floor: the same bytes, nothing turned over",
             [=](const Copy& of, float* y) { copy<<<of.grid(), block>>>(of.x, y, of.rows, of.columns); });
  lesson::Ladder<Turn> ladder(arguments, small, large);
  ladder.rung("by_columns", "writes columns", [=](const Turn& of, float* y) {
    by_columns<<<of.grid(), block>>>(of.x, y, of.rows, of.columns);
  });
  ladder.rung("by_tiles", "a tile in shared memory", [=](const Turn& of, float* y) {
    by_tiles<<<of.grid(), block>>>(of.x, y, of.rows, of.columns);
  });
  ladder.note("the columns lie in one bank: 32 passes for each, as many as there were sectors");
  ladder.rung("by_padded_tiles", "its rows one longer", [=](const Turn& of, float* y) {
    by_padded_tiles<<<of.grid(), block>>>(of.x, y, of.rows, of.columns);
  });
  ladder.rung("by_swizzled_tiles", "or its columns shuffled", [=](const Turn& of, float* y) {
    by_swizzled_tiles<<<of.grid(), block>>>(of.x, y, of.rows, of.columns);
  });
  ladder.note("as fast as a copy, like the rung before: what it saves is 128 bytes of shared memory");
  return ladder.result() | floor.result();
}
