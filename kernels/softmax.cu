// Along a row, with m = max_j x_j:
//
//   softmax      y_i = exp(x_i - m) / sum_j exp(x_j - m)      dx = y (dy - sum_j dy_j y_j)
//   log-softmax  y_i = x_i - m - log sum_j exp(x_j - m)       dx = dy - exp(y) sum_j dy_j
//
// Each kernel twice: with the row in registers, and in tiles for rows too wide for that (see
// kernels/common/row_part.h). A thread reads a value before it writes that place, and nobody else writes
// there: outputs may alias inputs. Bound by bandwidth: every row is read once unless it fits nowhere.
#include "kernels/softmax.h"

#include "kernels/common/kernel.h"
#include "kernels/common/online_softmax.h"

namespace tern::kernels {
namespace {

template <bool kLog, typename T, int N, int V>
__global__ void __launch_bounds__(kThreadsFor<N, V>, kBlocksAtOnce<N>)
    softmax_forward_kernel(const T* x, T* y, std::int64_t rows, std::int64_t cols) {
  TERN_SHARED(float, partial_most, 32);
  TERN_SHARED(float, partial_sum, 32);
  using Part = RowPart<T, N, V>;
  const std::int64_t row = row_of_thread();
  const int width = row < rows ? static_cast<int>(cols) : 0;
  Part part;
  part.load(x + row * cols, width);
  float most = -INFINITY, sum = 0, exponential[V];
  Part::for_each(width, [&](int i, int) { most = fmaxf(most, part[i]); });
  most = row_max(most, partial_most);
  Part::for_each(width, [&](int i, int) {
    exponential[i] = quick_exp(part[i] - most);
    sum += exponential[i];
  });
  sum = row_sum(sum, partial_sum);
  const float log_sum = kLog ? logf(sum) : 0, inverse_sum = 1 / sum;
  Part::store(y + row * cols, width,
              [&](int i, int) { return kLog ? part[i] - most - log_sum : exponential[i] * inverse_sum; });
}

template <bool kLog, typename T, int N>
__global__ void __launch_bounds__(kTileThreads<N>)
    softmax_forward_tiles(const T* x, T* y, std::int64_t cols, std::int64_t kept) {
  using Vectors = Vector<T, N>;
  using Tiles = TiledRow<T, N>;
  TERN_SHARED(float, partial_most, 32);
  TERN_SHARED(float, partial_sum, 32);
  TERN_DYNAMIC_SHARED(Vectors, shared);
  const Tiles tiles{x + blockIdx.x * cols, cols, kept, 0};
  OnlineSoftmax online;
  for (std::int64_t start = 0; start < cols; start += Tiles::tile()) {
    online.add(tiles.load(start, shared), tiles.width(start));
  }
  online.combine(partial_most, partial_sum);
  const float most = online.most, inverse_sum = 1 / online.sum, log_sum = kLog ? logf(online.sum) : 0;
  // Backwards: what was read last is still in the L2 cache.
  for (std::int64_t start = tiles.last(); start >= 0; start -= Tiles::tile()) {
    const auto part = tiles.load_again(start, shared);
    part.store(y + blockIdx.x * cols + start, tiles.width(start), [&](int i, int) {
      return kLog ? part[i] - most - log_sum : quick_exp(part[i] - most) * inverse_sum;
    });
  }
}

/// What is summed over the row, and the gradient with that sum.
template <bool kLog>
__device__ float summand(float y, float dy) {
  return kLog ? dy : y * dy;
}
template <bool kLog>
__device__ float gradient(float y, float dy, float sum) {
  return kLog ? dy - quick_exp(y) * sum : y * (dy - sum);
}

template <bool kLog, typename T, int N, int V>
__global__ void __launch_bounds__(kThreadsFor<N, V>, kBlocksAtOnce<N>)
    softmax_backward_kernel(const T* y, const T* dy, T* dx, std::int64_t rows, std::int64_t cols) {
  TERN_SHARED(float, partial, 32);
  using Part = RowPart<T, N, V>;
  const std::int64_t row = row_of_thread();
  const int width = row < rows ? static_cast<int>(cols) : 0;
  Part value, slope;
  value.load(y + row * cols, width);
  slope.load(dy + row * cols, width);
  float sum = 0;
  Part::for_each(width, [&](int i, int) { sum += summand<kLog>(value[i], slope[i]); });
  sum = row_sum(sum, partial);
  Part::store(dx + row * cols, width, [&](int i, int) { return gradient<kLog>(value[i], slope[i], sum); });
}

template <bool kLog, typename T, int N>
__global__ void __launch_bounds__(kTileThreads<N>)
    softmax_backward_tiles(const T* y, const T* dy, T* dx, std::int64_t cols, std::int64_t kept) {
  using Vectors = Vector<T, N>;
  using Tiles = TiledRow<T, N>;
  TERN_SHARED(float, partial, 32);
  TERN_DYNAMIC_SHARED(Vectors, shared);
  const Tiles values{y + blockIdx.x * cols, cols, kept, 0}, slopes{dy + blockIdx.x * cols, cols, kept, kept};
  float sum = 0;
  for (std::int64_t start = 0; start < cols; start += Tiles::tile()) {
    const auto value = values.load(start, shared), slope = slopes.load(start, shared);
    value.for_each(values.width(start), [&](int i, int) { sum += summand<kLog>(value[i], slope[i]); });
  }
  sum = row_sum(sum, partial);
  for (std::int64_t start = values.last(); start >= 0; start -= Tiles::tile()) {
    const auto value = values.load_again(start, shared), slope = slopes.load_again(start, shared);
    value.store(dx + blockIdx.x * cols + start, values.width(start),
                [&](int i, int) { return gradient<kLog>(value[i], slope[i], sum); });
  }
}

template <bool kLog, typename T>
void forward(const T* x, T* y, std::int64_t rows, std::int64_t cols, Stream stream) {
  if (rows == 0 || cols == 0) return;
  with_row_path<T>(vectorizes(cols, x, y), cols, [&](auto n, auto v) {
    constexpr int N = n(), V = v();
    const RowShape shape = row_shape<T, N>(rows, cols, 1);
    if constexpr (V > 0) {
      launch(softmax_forward_kernel<kLog, T, N, V>, shape.grid, shape.block, 0, stream, x, y, rows, cols);
    } else {
      launch(softmax_forward_tiles<kLog, T, N>, shape.grid, shape.block, shape.kept * sizeof(Vector<T, N>),
             stream, x, y, cols, shape.kept);
    }
  });
}

template <bool kLog, typename T>
void backward(const T* y, const T* dy, T* dx, std::int64_t rows, std::int64_t cols, Stream stream) {
  if (rows == 0 || cols == 0) return;
  with_row_path<T>(vectorizes(cols, y, dy, dx), cols, [&](auto n, auto v) {
    constexpr int N = n(), V = v();
    const RowShape shape = row_shape<T, N>(rows, cols, 2);
    if constexpr (V > 0) {
      launch(softmax_backward_kernel<kLog, T, N, V>, shape.grid, shape.block, 0, stream, y, dy, dx, rows,
             cols);
    } else {
      launch(softmax_backward_tiles<kLog, T, N>, shape.grid, shape.block,
             2 * shape.kept * sizeof(Vector<T, N>), stream, y, dy, dx, cols, shape.kept);
    }
  });
}

}  // namespace

template <typename T>
void softmax_forward(const T* x, T* y, std::int64_t rows, std::int64_t cols, Stream stream) {
  forward<false>(x, y, rows, cols, stream);
}
template <typename T>
void softmax_backward(const T* y, const T* dy, T* dx, std::int64_t rows, std::int64_t cols, Stream stream) {
  backward<false>(y, dy, dx, rows, cols, stream);
}
template <typename T>
void log_softmax_forward(const T* x, T* y, std::int64_t rows, std::int64_t cols, Stream stream) {
  forward<true>(x, y, rows, cols, stream);
}
template <typename T>
void log_softmax_backward(const T* y, const T* dy, T* dx, std::int64_t rows, std::int64_t cols,
                          Stream stream) {
  backward<true>(y, dy, dx, rows, cols, stream);
}

#define TERN_INSTANTIATE(T)                                                                   \
  template void softmax_forward(const T*, T*, std::int64_t, std::int64_t, Stream);            \
  template void softmax_backward(const T*, const T*, T*, std::int64_t, std::int64_t, Stream); \
  template void log_softmax_forward(const T*, T*, std::int64_t, std::int64_t, Stream);        \
  template void log_softmax_backward(const T*, const T*, T*, std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
