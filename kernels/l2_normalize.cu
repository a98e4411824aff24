// y = x / max(|x|, epsilon) and its backward, dx = (dy - y sum_j dy_j y_j) / |x|. Where epsilon stood in for
// a smaller norm the divisor was a constant, and the backward's second term is left out: |y| < 1 tells.
//
// Squares of large values overflow f32 and those of small ones vanish: by the largest of the row, values are
// multiplied by a power of two first, which loses nothing. Paths as in kernels/common/row_part.h.
#include "kernels/l2_normalize.h"

#include "kernels/common/kernel.h"
#include "kernels/common/row_part.h"

namespace tern::kernels {
namespace {

/// 1 unless squares might leave f32.
__device__ float square_scale(float largest) {
  constexpr float kHuge = 1.2676506e30f, kTiny = 1 / kHuge;  // 2^100, 2^-100
  if (largest > 1e15f) return kTiny;
  return largest < 1e-15f ? kHuge : 1.0f;
}
/// 1 / max(norm, epsilon) from the sum of squares of scale * x.
__device__ float inverse_of_norm(float squares, float scale, float epsilon) {
  const float norm = sqrtf(squares);
  return norm < epsilon * scale ? 1 / epsilon : scale / norm;
}

template <typename T, int N, int V>
__global__ void __launch_bounds__(kThreadsFor<N, V>, kBlocksAtOnce<N>)
    l2_normalize_forward_kernel(const T* x, float epsilon, T* y, float* inverse_norm, std::int64_t rows,
                                std::int64_t cols) {
  TERN_SHARED(float, partial_largest, 32);
  TERN_SHARED(float, partial_squares, 32);
  using Part = RowPart<T, N, V>;
  const std::int64_t row = row_of_thread();
  const int width = row < rows ? static_cast<int>(cols) : 0;
  Part part;
  part.load(x + row * cols, width);
  float largest = 0, squares = 0;
  Part::for_each(width, [&](int i, int) { largest = fmaxf(largest, fabsf(part[i])); });
  const float scale = square_scale(row_max(largest, partial_largest));
  Part::for_each(width, [&](int i, int) { squares += (scale * part[i]) * (scale * part[i]); });
  const float inverse = inverse_of_norm(row_sum(squares, partial_squares), scale, epsilon);
  Part::store(y + row * cols, width, [&](int i, int) { return part[i] * inverse; });
  if (row < rows && threadIdx.x == 0) inverse_norm[row] = inverse;
}

/// The sum of squares while the scale is not yet known: one for each that it may turn out to be.
struct ScaledSquares {
  float largest = 0, plain = 0, huge = 0, tiny = 0;

  __device__ void add(float x) {
    const float down = x * square_scale(INFINITY), up = x * square_scale(0);
    largest = fmaxf(largest, fabsf(x));
    plain += x * x;
    huge += down * down;
    tiny += up * up;
  }
  __device__ float inverse(float epsilon, auto& partial_largest, auto& partial_squares) const {
    const float scale = square_scale(row_max(largest, partial_largest));
    const float squares = scale == 1 ? plain : scale < 1 ? huge : tiny;
    return inverse_of_norm(row_sum(squares, partial_squares), scale, epsilon);
  }
};

template <typename T, int N>
__global__ void __launch_bounds__(kTileThreads<N>)
    l2_normalize_forward_tiles(const T* x, float epsilon, T* y, float* inverse_norm, std::int64_t cols,
                               std::int64_t kept) {
  using Vectors = Vector<T, N>;
  using Tiles = TiledRow<T, N>;
  TERN_SHARED(float, partial_largest, 32);
  TERN_SHARED(float, partial_squares, 32);
  TERN_DYNAMIC_SHARED(Vectors, shared);
  const Tiles tiles{x + blockIdx.x * cols, cols, kept, 0};
  ScaledSquares sums;
  for (std::int64_t start = 0; start < cols; start += Tiles::tile()) {
    const auto part = tiles.load(start, shared);
    part.for_each(tiles.width(start), [&](int i, int) { sums.add(part[i]); });
  }
  const float inverse = sums.inverse(epsilon, partial_largest, partial_squares);
  for (std::int64_t start = tiles.last(); start >= 0; start -= Tiles::tile()) {
    const auto part = tiles.load_again(start, shared);
    part.store(y + blockIdx.x * cols + start, tiles.width(start),
               [&](int i, int) { return part[i] * inverse; });
  }
  if (threadIdx.x == 0) inverse_norm[blockIdx.x] = inverse;
}

/// sum_j dy_j y_j, or 0 where epsilon stood in for the norm: |y|^2 is then below 1 by more than rounding.
template <typename T>
__device__ float slope_along(float squares, float dot) {
  return squares < (sizeof(T) == 2 ? 0.98f : 0.999f) ? 0 : dot;
}

template <typename T, int N, int V>
__global__ void __launch_bounds__(kThreadsFor<N, V>, kBlocksAtOnce<N>)
    l2_normalize_backward_kernel(const T* y, const float* inverse_norm, const T* dy, T* dx, std::int64_t rows,
                                 std::int64_t cols) {
  TERN_SHARED(float, partial_squares, 32);
  TERN_SHARED(float, partial_dot, 32);
  using Part = RowPart<T, N, V>;
  const std::int64_t row = row_of_thread();
  const int width = row < rows ? static_cast<int>(cols) : 0;
  Part value, slope;
  value.load(y + row * cols, width);
  slope.load(dy + row * cols, width);
  const float inverse = row < rows ? inverse_norm[row] : 0;
  float squares = 0, dot = 0;
  Part::for_each(width, [&](int i, int) {
    squares += value[i] * value[i];
    dot += value[i] * slope[i];
  });
  squares = row_sum(squares, partial_squares);
  dot = slope_along<T>(squares, row_sum(dot, partial_dot));
  Part::store(dx + row * cols, width, [&](int i, int) { return (slope[i] - value[i] * dot) * inverse; });
}

template <typename T, int N>
__global__ void __launch_bounds__(kTileThreads<N>)
    l2_normalize_backward_tiles(const T* y, const float* inverse_norm, const T* dy, T* dx, std::int64_t cols,
                                std::int64_t kept) {
  using Vectors = Vector<T, N>;
  using Tiles = TiledRow<T, N>;
  TERN_SHARED(float, partial_squares, 32);
  TERN_SHARED(float, partial_dot, 32);
  TERN_DYNAMIC_SHARED(Vectors, shared);
  const Tiles values{y + blockIdx.x * cols, cols, kept, 0}, slopes{dy + blockIdx.x * cols, cols, kept, kept};
  const float inverse = inverse_norm[blockIdx.x];
  float squares = 0, dot = 0;
  for (std::int64_t start = 0; start < cols; start += Tiles::tile()) {
    const auto value = values.load(start, shared), slope = slopes.load(start, shared);
    value.for_each(values.width(start), [&](int i, int) {
      squares += value[i] * value[i];
      dot += value[i] * slope[i];
    });
  }
  squares = row_sum(squares, partial_squares);
  dot = slope_along<T>(squares, row_sum(dot, partial_dot));
  for (std::int64_t start = values.last(); start >= 0; start -= Tiles::tile()) {
    const auto value = values.load_again(start, shared), slope = slopes.load_again(start, shared);
    value.store(dx + blockIdx.x * cols + start, values.width(start),
                [&](int i, int) { return (slope[i] - value[i] * dot) * inverse; });
  }
}

}  // namespace

template <typename T>
void l2_normalize_forward(const T* x, float epsilon, T* y, float* inverse_norm, std::int64_t rows,
                          std::int64_t cols, Stream stream) {
  if (rows == 0) return;  // rows of no columns have an inverse norm, too
  with_row_path<T>(vectorizes(cols, x, y), cols, [&](auto n, auto v) {
    constexpr int N = n(), V = v();
    const RowShape shape = row_shape<T, N>(rows, cols, 1);
    if constexpr (V > 0) {
      launch(l2_normalize_forward_kernel<T, N, V>, shape.grid, shape.block, 0, stream, x, epsilon, y,
             inverse_norm, rows, cols);
    } else {
      launch(l2_normalize_forward_tiles<T, N>, shape.grid, shape.block, shape.kept * sizeof(Vector<T, N>),
             stream, x, epsilon, y, inverse_norm, cols, shape.kept);
    }
  });
}

template <typename T>
void l2_normalize_backward(const T* y, const float* inverse_norm, const T* dy, T* dx, std::int64_t rows,
                           std::int64_t cols, Stream stream) {
  if (rows == 0 || cols == 0) return;
  with_row_path<T>(vectorizes(cols, y, dy, dx), cols, [&](auto n, auto v) {
    constexpr int N = n(), V = v();
    const RowShape shape = row_shape<T, N>(rows, cols, 2);
    if constexpr (V > 0) {
      launch(l2_normalize_backward_kernel<T, N, V>, shape.grid, shape.block, 0, stream, y, inverse_norm, dy,
             dx, rows, cols);
    } else {
      launch(l2_normalize_backward_tiles<T, N>, shape.grid, shape.block,
             2 * shape.kept * sizeof(Vector<T, N>), stream, y, inverse_norm, dy, dx, cols, shape.kept);
    }
  });
}

#define TERN_INSTANTIATE(T)                                                                             \
  template void l2_normalize_forward(const T*, float, T*, float*, std::int64_t, std::int64_t, Stream);  \
  template void l2_normalize_backward(const T*, const float*, const T*, T*, std::int64_t, std::int64_t, \
                                      Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
