// Along a row, with m = max_j x_j:
//
//   softmax      y_i = exp(x_i - m) / sum_j exp(x_j - m)      dx = y (dy - sum_j dy_j y_j)
//   log-softmax  y_i = x_i - m - log sum_j exp(x_j - m)       dx = dy - exp(y) sum_j dy_j
#include "kernels/softmax.h"

#include "kernels/common/row_softmax.h"

namespace tern::kernels {
namespace {

template <bool kLog, typename T>
struct SoftmaxForward {
  T* y;

  template <typename Row>
  __device__ void operator()(const Row& row) const {
    TERN_SHARED(float, partial_max, 32);
    TERN_SHARED(float, partial_sum, 32);
    RowSoftmax<Row> softmax;
    softmax.read(row);
    softmax.reduce(row, partial_max, partial_sum);
    const float log_sum = kLog ? logf(softmax.sum) : 0, inverse_sum = 1 / softmax.sum;
    row.store(y, [&](int i, float x) {
      return kLog ? x - softmax.max - log_sum : softmax.exponential(i, x) * inverse_sum;
    });
  }
};

template <bool kLog, typename T>
struct SoftmaxBackward {
  T* dx;

  template <typename Row>
  __device__ void operator()(const Row& row) const {
    TERN_SHARED(float, partial, 32);
    float sum = 0;
    row.for_each([&](int, float y, float dy) { sum += kLog ? dy : y * dy; });
    sum = row_sum(sum, partial);
    row.store(dx, [&](int, float y, float dy) { return kLog ? dy - fast_exp(y) * sum : y * (dy - sum); });
  }
};

template <bool kLog, typename T>
void forward(const T* x, T* y, std::int64_t rows, std::int64_t cols, Stream stream) {
  if (rows == 0 || cols == 0) return;
  launch_rows(RowInputs<T, 1>{{x}, rows, cols}, SoftmaxForward<kLog, T>{y}, vectorizes(cols, x, y), stream);
}

template <bool kLog, typename T>
void backward(const T* y, const T* dy, T* dx, std::int64_t rows, std::int64_t cols, Stream stream) {
  if (rows == 0 || cols == 0) return;
  launch_rows(RowInputs<T, 2>{{y, dy}, rows, cols}, SoftmaxBackward<kLog, T>{dx}, vectorizes(cols, y, dy, dx),
              stream);
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
