// One grid works on the rows of x, then on those of w: a warp per row, or a block per row where rows are
// long. A row is read twice, the second time from the cache, and written once.
#include "kernels/cosine_head.h"

#include "kernels/common/kernel.h"
#include "kernels/common/last_block.h"
#include "kernels/common/vector.h"

namespace tern::kernels {
namespace {

constexpr int kThreads = 256;
[[maybe_unused]] constexpr int kMinBlocks = 6;  // per multiprocessor; with 8, registers would spill
constexpr std::int64_t kLongRow = 1024;         // from here on a row has a block
constexpr double kMinNorm = 1e-12;

/// One of the two matrices.
template <typename T, typename Inverse>
struct Matrix {
  const T* in;
  Inverse* inverse;
  T* out;
  std::int64_t rows;
};

/// The matrix that a block works on, and the row of this thread: blockDim.x threads per row, blockDim.y rows.
struct Place {
  bool in_x;
  std::int64_t row;

  __device__ explicit Place(std::int64_t rows) {
    const std::int64_t x_blocks = ceil_div(rows, blockDim.y);
    in_x = blockIdx.x < x_blocks;
    row = (blockIdx.x - (in_x ? 0 : x_blocks)) * blockDim.y + threadIdx.y;
  }
};

/// The sum over the threads of a row; `partial` as for block_reduce.
template <int Threads, typename Number>
__device__ Number row_sum(Number value, auto& partial) {
  const auto add = [](Number a, Number b) { return a + b; };
  if constexpr (Threads == kWarpSize) {
    return warp_reduce(value, add);
  } else {
    return block_reduce(value, Number{0}, add, partial);
  }
}

/// Calls body(i) for this thread's elements i .. i + N - 1 of a row.
template <int Threads, int N, typename Body>
__device__ void for_row(std::int64_t width, Body body) {
  for (std::int64_t i = threadIdx.x * N; i < width; i += Threads * N) body(i);
}

/// out = scale x / max(|x|, kMinNorm) along one row; returns the inverse norm.
template <int Threads, int N, typename T>
__device__ float normalize_row(const T* x, float scale, T* out, std::int64_t width, auto& partial) {
  double sum = 0;
  for_row<Threads, N>(width, [&](std::int64_t i) {
    const Vector<T, N> values = load_vector<N>(x + i);
    for (int k = 0; k < N; ++k) {
      const double value = static_cast<double>(static_cast<float>(values[k]));
      sum += value * value;
    }
  });
  const double norm = sqrt(row_sum<Threads>(sum, partial));
  const float inverse = static_cast<float>(1 / (norm < kMinNorm ? kMinNorm : norm));  // NaN stays NaN
  for_row<Threads, N>(width, [&](std::int64_t i) {
    Vector<T, N> values = load_vector<N>(x + i);
    for (int k = 0; k < N; ++k) values[k] = T(static_cast<float>(values[k]) * inverse * scale);
    store_vector<N>(out + i, values);
  });
  return inverse;
}

template <typename T, int Threads, int N>
__global__ void __launch_bounds__(kThreads, kMinBlocks)
    normalize_kernel(Matrix<T, float> x, Matrix<T, float> w, const float* scale, std::int64_t width) {
  TERN_SHARED(double, partial, 32);
  const Place place(x.rows);
  const Matrix<T, float> matrix = place.in_x ? x : w;
  if (place.row >= matrix.rows) return;  // with all threads that the row's reductions wait for
  const float factor = place.in_x && scale != nullptr ? *scale : 1.0f;
  const std::int64_t first = place.row * width;
  const float inverse =
      normalize_row<Threads, N>(matrix.in + first, factor, matrix.out + first, width, partial);
  if (threadIdx.x == 0 && matrix.inverse != nullptr) matrix.inverse[place.row] = inverse;
}

/// g = scale inverse (g - xhat (g . xhat)) along one row, with xhat = x inverse; returns g . xhat of the old
/// g.
template <int Threads, int N, typename T>
__device__ float project_row(const T* x, float inverse, float scale, T* g, std::int64_t width,
                             auto& partial) {
  float sum = 0;
  for_row<Threads, N>(width, [&](std::int64_t i) {
    const Vector<T, N> values = load_vector<N>(x + i), gradient = load_vector<N>(g + i);
    for (int k = 0; k < N; ++k) {
      sum += static_cast<float>(gradient[k]) * (static_cast<float>(values[k]) * inverse);
    }
  });
  sum = row_sum<Threads>(sum, partial);
  const bool is_clamped = inverse >= static_cast<float>(1 / kMinNorm);
  const float radial = is_clamped ? 0 : sum * inverse;
  for_row<Threads, N>(width, [&](std::int64_t i) {
    const Vector<T, N> values = load_vector<N>(x + i);
    Vector<T, N> gradient = load_vector<N>(g + i);
    for (int k = 0; k < N; ++k) {
      const float tangent = static_cast<float>(gradient[k]) - static_cast<float>(values[k]) * radial;
      gradient[k] = T(tangent * inverse * scale);
    }
    store_vector<N>(g + i, gradient);
  });
  return sum;
}

/// The beginning of the workspace; a float per block of x follows, the part of dscale of its rows.
struct alignas(16) BackwardWorkspace {
  unsigned arrivals;
};

/// dscale from the parts of all blocks, by the last block.
__device__ void add_parts(const float* parts, std::int64_t count, float* dscale) {
  TERN_SHARED(double, partial, 32);
  double sum = 0;
  for (std::int64_t i = thread_rank(); i < count; i += kThreads) sum += static_cast<double>(parts[i]);
  sum = block_reduce(
      sum, 0.0, [](double a, double b) { return a + b; }, partial);
  if (thread_rank() == 0) *dscale = static_cast<float>(sum);
}

template <typename T, int Threads, int N>
__global__ void __launch_bounds__(kThreads)
    backward_kernel(Matrix<T, const float> x, Matrix<T, const float> w, const float* scale, float* dscale,
                    BackwardWorkspace* workspace, std::int64_t width) {
  TERN_SHARED(float, partial, 32);
  TERN_SHARED(float, partial_scale, 32);
  const Place place(x.rows);
  const Matrix<T, const float> matrix = place.in_x ? x : w;
  float* const parts = reinterpret_cast<float*>(workspace + 1);
  float part = 0;
  if (place.row < matrix.rows) {
    const std::int64_t first = place.row * width;
    part = project_row<Threads, N>(matrix.in + first, matrix.inverse[place.row], *scale, matrix.out + first,
                                   width, partial);
  }
  part = block_sum(threadIdx.x == 0 ? part : 0.0f, partial_scale);
  if (place.in_x && thread_rank() == 0) parts[blockIdx.x] = part;
  if (is_last_block(&workspace->arrivals)) add_parts(parts, ceil_div(x.rows, blockDim.y), dscale);
}

/// Calls launch_with(threads per row, elements per load), both constants.
template <typename T, typename LaunchWith>
void choose(std::int64_t width, bool wide, LaunchWith launch_with) {
  constexpr int kWide = kVectorWidth<T>;
  using std::integral_constant;
  if (width < kLongRow) {
    if (wide) return launch_with(integral_constant<int, kWarpSize>(), integral_constant<int, kWide>());
    return launch_with(integral_constant<int, kWarpSize>(), integral_constant<int, 1>());
  }
  if (wide) return launch_with(integral_constant<int, kThreads>(), integral_constant<int, kWide>());
  return launch_with(integral_constant<int, kThreads>(), integral_constant<int, 1>());
}

std::int64_t rows_per_block(std::int64_t width) {
  return width < kLongRow ? kThreads / kWarpSize : 1;
}
std::int64_t block_count(std::int64_t rows, std::int64_t classes, std::int64_t width) {
  return ceil_div(rows, rows_per_block(width)) + ceil_div(classes, rows_per_block(width));
}

}  // namespace

template <typename T>
void cosine_normalize(const T* x, const T* w, const float* scale, T* x_unit, T* w_unit, float* x_inverse,
                      float* w_inverse, std::int64_t rows, std::int64_t classes, std::int64_t width,
                      Stream stream) {
  const Matrix<T, float> of_x{x, x_inverse, x_unit, rows}, of_w{w, w_inverse, w_unit, classes};
  const std::int64_t blocks = block_count(rows, classes, width);
  choose<T>(width, vectorizes(width, x, w, x_unit, w_unit), [&](auto threads, auto n) {
    launch(normalize_kernel<T, threads(), n()>, blocks, dim3(threads(), kThreads / threads()), 0, stream,
           of_x, of_w, scale, width);
  });
}

template <typename T>
void cosine_backward(const T* x, const T* w, const float* scale, const float* x_inverse,
                     const float* w_inverse, T* dx, T* dw, float* dscale, void* workspace, std::int64_t rows,
                     std::int64_t classes, std::int64_t width, Stream stream) {
  const Matrix<T, const float> of_x{x, x_inverse, dx, rows}, of_w{w, w_inverse, dw, classes};
  const std::int64_t blocks = std::max<std::int64_t>(block_count(rows, classes, width), 1);  // dscale
  choose<T>(width, vectorizes(width, x, w, dx, dw), [&](auto threads, auto n) {
    launch(backward_kernel<T, threads(), n()>, blocks, dim3(threads(), kThreads / threads()), 0, stream, of_x,
           of_w, scale, dscale, static_cast<BackwardWorkspace*>(workspace), width);
  });
}

std::size_t cosine_backward_workspace_bytes(std::int64_t rows) {
  return sizeof(BackwardWorkspace) + static_cast<std::size_t>(rows) * sizeof(float);
}

#define TERN_INSTANTIATE(T)                                                                              \
  template void cosine_normalize(const T*, const T*, const float*, T*, T*, float*, float*, std::int64_t, \
                                 std::int64_t, std::int64_t, Stream);                                    \
  template void cosine_backward(const T*, const T*, const float*, const float*, const float*, T*, T*,    \
                                float*, void*, std::int64_t, std::int64_t, std::int64_t, Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
