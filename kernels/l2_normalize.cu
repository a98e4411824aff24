// y = x / max(|x|, epsilon) and its backward, dx = (dy - y sum_j dy_j y_j) / |x|. Where epsilon replaces a
// smaller norm the divisor is a constant, and the backward has no second term: |y| < 1 tells.
//
// Squares of large values overflow f32, and those of small values vanish: x is first scaled by a power of two
// that its largest value chooses, which is exact.
#include "kernels/l2_normalize.h"

#include "kernels/common/row_kernel.h"

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

/// The sum of squares while the scale is not yet known: one for each possible scale.
struct ScaledSquares {
  float largest = 0, plain = 0, of_large = 0, of_small = 0;

  __device__ void add(float x) {
    const float down = x * square_scale(INFINITY), up = x * square_scale(0);
    largest = fmaxf(largest, fabsf(x));
    plain += x * x;
    of_large += down * down;
    of_small += up * up;
  }
  __device__ float of_scale(float scale) const {
    return scale == 1 ? plain : scale < 1 ? of_large : of_small;
  }
};

template <typename T>
struct L2NormalizeForward {
  T* y;
  float* inverse_norm;
  float epsilon;

  template <typename Row>
  __device__ void operator()(const Row& row) const {
    TERN_SHARED(float, partial_largest, 32);
    TERN_SHARED(float, partial_squares, 32);
    float scale = 1, squares = 0;
    if constexpr (Row::kInRegisters) {
      float largest = 0;
      row.for_each([&](int, float x) { largest = fmaxf(largest, fabsf(x)); });
      scale = square_scale(row_max(largest, partial_largest));
      row.for_each([&](int, float x) { squares += (scale * x) * (scale * x); });
    } else {
      ScaledSquares sums;
      row.for_each([&](int, float x) { sums.add(x); });
      scale = square_scale(row_max(sums.largest, partial_largest));
      squares = sums.of_scale(scale);
    }
    const float inverse = inverse_of_norm(row_sum(squares, partial_squares), scale, epsilon);
    row.store(y, [&](int, float x) { return x * inverse; });
    if (row.exists() && threadIdx.x == 0) inverse_norm[row.index()] = inverse;
  }
};

template <typename T>
struct L2NormalizeBackward {
  const float* inverse_norm;
  T* dx;

  template <typename Row>
  __device__ void operator()(const Row& row) const {
    TERN_SHARED(float, partial_squares, 32);
    TERN_SHARED(float, partial_dot, 32);
    const float inverse = row.exists() ? inverse_norm[row.index()] : 0;
    float squares = 0, dot = 0;
    row.for_each([&](int, float y, float dy) {
      squares += y * y;
      dot += y * dy;
    });
    squares = row_sum(squares, partial_squares);
    dot = row_sum(dot, partial_dot);
    // Where epsilon replaced the norm, |y|^2 is below 1 by more than rounding.
    if (squares < (sizeof(T) == 2 ? 0.98f : 0.999f)) dot = 0;
    row.store(dx, [&](int, float y, float dy) { return (dy - y * dot) * inverse; });
  }
};

}  // namespace

template <typename T>
void l2_normalize_forward(const T* x, float epsilon, T* y, float* inverse_norm, std::int64_t rows,
                          std::int64_t cols, Stream stream) {
  if (rows == 0) return;  // but rows of no columns have an inverse norm, too
  launch_rows(RowInputs<T, 1>{{x}, rows, cols}, L2NormalizeForward<T>{y, inverse_norm, epsilon},
              vectorizes(cols, x, y), stream);
}

template <typename T>
void l2_normalize_backward(const T* y, const float* inverse_norm, const T* dy, T* dx, std::int64_t rows,
                           std::int64_t cols, Stream stream) {
  if (rows == 0 || cols == 0) return;
  launch_rows(RowInputs<T, 2>{{y, dy}, rows, cols}, L2NormalizeBackward<T>{inverse_norm, dx},
              vectorizes(cols, y, dy, dx), stream);
}

#define TERN_INSTANTIATE(T)                                                                             \
  template void l2_normalize_forward(const T*, float, T*, float*, std::int64_t, std::int64_t, Stream);  \
  template void l2_normalize_backward(const T*, const float*, const T*, T*, std::int64_t, std::int64_t, \
                                      Stream);
TERN_INSTANTIATE(float)
TERN_INSTANTIATE(bfloat16)
#undef TERN_INSTANTIATE

}  // namespace tern::kernels
