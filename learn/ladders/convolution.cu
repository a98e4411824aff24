// Ladder: a convolution of images, y[p][q][k] = sum over r, s, c of w[k][r][s][c] * x[p + r][q + s][c], 3 x 3, channels last.
//
// The rungs go from the formula to the matrix product that it is: a row for each place of y, a column for each of its channels,
// and r, s, c together as the inner dimension. One builds that matrix ("im2col"); the last only knows where its elements lie
// ("implicit GEMM"), which is what cuDNN does.
#include "learn/ladder.h"

constexpr int kWindow = 3;

struct Sizes {
  int height, width, in, out;  ///< of x; channels in and out
  __host__ __device__ int rows() const { return (height - kWindow + 1) * (width - kWindow + 1); }
  __host__ __device__ int inner() const { return kWindow * kWindow * in; }
  /// Where in x the element `i` of the inner dimension lies for the place `row` of y.
  __host__ __device__ int place(int row, int i) const {
    const int wide = width - kWindow + 1, p = row / wide, q = row % wide;
    const int r = i / (kWindow * in), s = i / in % kWindow, c = i % in;
    return ((p + r) * width + q + s) * in + c;
  }
};

// A thread for each value of y, neighbours at neighbouring channels: x's value is a broadcast, but w's lie far apart.
__global__ void direct(const float* x, const float* w, float* y, Sizes sizes) {
  const int row = blockIdx.x * blockDim.y + threadIdx.y, k = threadIdx.x;
  if (row >= sizes.rows()) return;
  float sum = 0;
  for (int i = 0; i < sizes.inner(); ++i) sum += w[k * sizes.inner() + i] * x[sizes.place(row, i)];
  y[row * sizes.out + k] = sum;
}

// w turned over once, [r][s][c][k]: neighbours read neighbours.
__global__ void turned_weights(const float* x, const float* turned, float* y, Sizes sizes) {
  const int row = blockIdx.x * blockDim.y + threadIdx.y, k = threadIdx.x;
  if (row >= sizes.rows()) return;
  float sum = 0;
  for (int i = 0; i < sizes.inner(); ++i) sum += turned[i * sizes.out + k] * x[sizes.place(row, i)];
  y[row * sizes.out + k] = sum;
}

// im2col: the matrix of all windows, nine times as large as x, written to memory and read again.
__global__ void im2col(const float* x, float* matrix, Sizes sizes) {
  const int inner = sizes.inner(), all = sizes.rows() * inner;
  for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < all; i += gridDim.x * blockDim.x)
    matrix[i] = x[sizes.place(i / inner, i % inner)];
}

// c = a b in tiles of 16 x 16; a's elements where `at` says. The rows need not fill the last tile.
template <typename At>
__device__ void product(const float* a, At at, const float* b, float* c, int rows, int inner, int columns) {
  constexpr int kTile = 16;
  __shared__ float tile_a[kTile][kTile], tile_b[kTile][kTile];
  const int row = blockIdx.y * kTile + threadIdx.y, column = blockIdx.x * kTile + threadIdx.x;
  float sum = 0;
  for (int first = 0; first < inner; first += kTile) {
    const int i = first + threadIdx.x;
    tile_a[threadIdx.y][threadIdx.x] = row < rows && i < inner ? a[at(row, i)] : 0;
    tile_b[threadIdx.y][threadIdx.x] =
        first + threadIdx.y < inner ? b[(first + threadIdx.y) * columns + column] : 0;
    __syncthreads();
    for (int k = 0; k < kTile; ++k) sum += tile_a[threadIdx.y][k] * tile_b[k][threadIdx.x];
    __syncthreads();
  }
  if (row < rows) c[row * columns + column] = sum;
}

__global__ void matrix_product(const float* matrix, const float* turned, float* y, Sizes sizes) {
  const int inner = sizes.inner();
  product(
      matrix, [inner](int row, int i) { return row * inner + i; }, turned, y, sizes.rows(), inner, sizes.out);
}

// The same product, its first matrix read where it lies in x: nothing is written that only is read again.
__global__ void implicit_gemm(const float* x, const float* turned, float* y, Sizes sizes) {
  product(
      x, [sizes](int row, int i) { return sizes.place(row, i); }, turned, y, sizes.rows(), sizes.inner(),
      sizes.out);
}

// That product with 64 x 64 of y a block and 4 x 4 a thread, as in the ladder of the matrix product: eight numbers from shared memory
// serve sixteen multiplications.
__global__ void register_tiles(const float* x, const float* turned, float* y, Sizes sizes) {
  constexpr int kTile = 64, kDepth = 16, kEach = 4, kThreads = 16;
  __shared__ float tile_x[kDepth][kTile + 1], tile_w[kDepth][kTile];
  const int thread = threadIdx.y * kThreads + threadIdx.x, row = blockIdx.y * kTile,
            column = blockIdx.x * kTile;
  float sums[kEach][kEach] = {};
  for (int first = 0; first < sizes.inner(); first += kDepth) {
    for (int i = thread; i < kTile * kDepth; i += kThreads * kThreads) {
      const int of_x = first + i % kDepth, of_w = first + i / kTile;
      const bool has_x = row + i / kDepth < sizes.rows() && of_x < sizes.inner();
      const bool has_w = of_w < sizes.inner() && column + i % kTile < sizes.out;
      tile_x[i % kDepth][i / kDepth] = has_x ? x[sizes.place(row + i / kDepth, of_x)] : 0;
      tile_w[i / kTile][i % kTile] = has_w ? turned[of_w * sizes.out + column + i % kTile] : 0;
    }
    __syncthreads();
    for (int k = 0; k < kDepth; ++k) {
      float left[kEach], right[kEach];  // every 16th row and column, so that neighbours meet other banks
      for (int i = 0; i < kEach; ++i) left[i] = tile_x[k][threadIdx.y + kThreads * i];
      for (int j = 0; j < kEach; ++j) right[j] = tile_w[k][threadIdx.x + kThreads * j];
      for (int i = 0; i < kEach; ++i) {
        for (int j = 0; j < kEach; ++j) sums[i][j] += left[i] * right[j];
      }
    }
    __syncthreads();
  }
  for (int i = 0; i < kEach; ++i) {
    for (int j = 0; j < kEach; ++j) {
      const int to_row = row + threadIdx.y + kThreads * i, to_column = column + threadIdx.x + kThreads * j;
      if (to_row < sizes.rows() && to_column < sizes.out) y[to_row * sizes.out + to_column] = sums[i][j];
    }
  }
}

struct Images {
  Sizes sizes;
  std::vector<float> values, kernels, by_output;
  lesson::Memory<float> x{values}, w{kernels}, turned{by_output};
  lesson::Memory<float> matrix{sizes.rows() * sizes.inner()};

  explicit Images(const Sizes& of)
      : sizes(of),
        values(lesson::numbers(of.height * of.width * of.in, 1)),
        kernels(lesson::numbers(of.out * of.inner(), 2)),
        by_output(lesson::each(of.inner() * of.out,
                               [&](int i) { return kernels[i % of.out * of.inner() + i / of.out]; })) {}
  std::string size() const {
    return std::to_string(sizes.height) + " x " + std::to_string(sizes.width) + ", " +
           std::to_string(sizes.in) + " channels to " + std::to_string(sizes.out);
  }
  int outputs() const { return sizes.rows() * sizes.out; }
  std::vector<float> answer() const {
    return lesson::each(outputs(), [this](int i) {
      float sum = 0;
      for (int j = 0; j < sizes.inner(); ++j)
        sum += kernels[i % sizes.out * sizes.inner() + j] * values[sizes.place(i / sizes.out, j)];
      return sum;
    });
  }
  dim3 places() const { return dim3(sizes.rows() / 8); }
  dim3 place() const { return dim3(sizes.out, 8); }
  /// Of y, for tiles of `side` x `side`.
  dim3 tiles(int side) const { return dim3((sizes.out + side - 1) / side, (sizes.rows() + side - 1) / side); }
};

int main(int arguments, char**) {
  const Sizes small{18, 18, 16, 32}, large{130, 130, 64, 64};
  const dim3 tile(16, 16);
  lesson::Ladder<Images> ladder(arguments, small, large);
  ladder.rung("direct", "the formula", [](const Images& of, float* y) {
    direct<<<of.places(), of.place()>>>(of.x, of.w, y, of.sizes);
  });
  ladder.rung("turned_weights", "weights by output channel", [](const Images& of, float* y) {
    turned_weights<<<of.places(), of.place()>>>(of.x, of.turned, y, of.sizes);
  });
  ladder.rung("im2col", "a matrix of windows, and a product", [=](const Images& of, float* y) {
    im2col<<<1024, 256>>>(of.x, of.matrix, of.sizes);
    matrix_product<<<of.tiles(16), tile>>>(of.matrix, of.turned, y, of.sizes);
  });
  ladder.note(
      "nine times x is written and read, and a product still takes two numbers, now from shared memory");
  ladder.rung("implicit_gemm", "the product without the matrix", [=](const Images& of, float* y) {
    implicit_gemm<<<of.tiles(16), tile>>>(of.x, of.turned, y, of.sizes);
  });
  ladder.rung("register_tiles", "64 x 64 a block, 4 x 4 a thread", [=](const Images& of, float* y) {
    register_tiles<<<of.tiles(64), tile>>>(of.x, of.turned, y, of.sizes);
  });
  return ladder.result();
}
