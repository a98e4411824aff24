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

int main() {
  const Sizes sizes{18, 18, 16, 32};
  const int rows = sizes.rows(), inner = sizes.inner();
  const auto x = lesson::numbers(sizes.height * sizes.width * sizes.in, 1),
             w = lesson::numbers(sizes.out * inner, 2);
  const auto turned =
      lesson::each(inner * sizes.out, [&](int i) { return w[i % sizes.out * inner + i / sizes.out]; });
  const auto value = [&](int i) {
    float sum = 0;
    for (int j = 0; j < inner; ++j) sum += w[i % sizes.out * inner + j] * x[sizes.place(i / sizes.out, j)];
    return sum;
  };
  const lesson::Memory in(x), weights(w), in_turn(turned);
  const lesson::Memory<float> matrix(rows * inner);
  const dim3 places(rows / 8), block(sizes.out, 8), tiles(sizes.out / 16, (rows + 15) / 16), tile(16, 16);
  lesson::Ladder ladder(lesson::each(rows * sizes.out, value));
  ladder.rung("direct", "the formula", [&](float* y) { direct<<<places, block>>>(in, weights, y, sizes); });
  ladder.rung("turned_weights", "weights by output channel",
              [&](float* y) { turned_weights<<<places, block>>>(in, in_turn, y, sizes); });
  ladder.rung("im2col", "a matrix of windows, and a product", [&](float* y) {
    im2col<<<32, 256>>>(in, matrix, sizes);
    matrix_product<<<tiles, tile>>>(matrix, in_turn, y, sizes);
  });
  ladder.rung("implicit_gemm", "the product without the matrix",
              [&](float* y) { implicit_gemm<<<tiles, tile>>>(in, in_turn, y, sizes); });
  return ladder.result();
}
