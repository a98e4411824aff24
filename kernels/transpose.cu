// A tile at a time through shared memory, so that a warp reads along x's rows and writes along y's. A tile's
// rows are 4 bytes longer than its side: then a warp that reads a column finds each element in a bank of its own.
#include "kernels/transpose.h"

#include "kernels/common/kernel.h"

namespace tern::kernels {
namespace {

constexpr int kSide = 32;
template <typename T>
constexpr int kPitch = kSide + static_cast<int>(4 / sizeof(T));
constexpr int kWarps = 8;

template <typename T>
__global__ void __launch_bounds__(kSide* kWarps)
    transpose_kernel(const T* x, T* y, std::int64_t rows, std::int64_t cols) {
  TERN_SHARED(T, tile, kSide * kPitch<T>);
  const std::int64_t tiles_down = ceil_div(rows, kSide), tiles_across = ceil_div(cols, kSide);
  const std::int64_t number = blockIdx.x, matrix = number / (tiles_down * tiles_across);
  const std::int64_t first_row = number / tiles_across % tiles_down * kSide;
  const std::int64_t first_col = number % tiles_across * kSide;
  const std::int64_t begin = matrix * rows * cols;
  const int lane = static_cast<int>(threadIdx.x);
  for (int i = static_cast<int>(threadIdx.y); i < kSide; i += kWarps) {
    const std::int64_t row = first_row + i, col = first_col + lane;
    if (row < rows && col < cols) tile[i * kPitch<T> + lane] = x[begin + row * cols + col];
  }
  __syncthreads();
  for (int i = static_cast<int>(threadIdx.y); i < kSide; i += kWarps) {
    const std::int64_t row = first_row + lane, col = first_col + i;
    if (row < rows && col < cols) y[begin + col * rows + row] = tile[lane * kPitch<T> + i];
  }
}

}  // namespace

template <typename T>
void transpose(const T* x, T* y, std::int64_t count, std::int64_t rows, std::int64_t cols, Stream stream) {
  const std::int64_t tiles = count * ceil_div(rows, kSide) * ceil_div(cols, kSide);
  launch(transpose_kernel<T>, tiles, dim3(kSide, kWarps), 0, stream, x, y, rows, cols);
}

template void transpose(const float*, float*, std::int64_t, std::int64_t, std::int64_t, Stream);
template void transpose(const bfloat16*, bfloat16*, std::int64_t, std::int64_t, std::int64_t, Stream);

}  // namespace tern::kernels
