#include "tests/reference/reference.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tern::reference {

Array::Array(std::vector<std::int64_t> extents) : shape(std::move(extents)) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  values.assign(count, 0.0);
}

Array add(const Array& a, const Array& b) {
  Array y = a;
  for (std::int64_t i = 0; i < y.size(); ++i) y[i] += b[i];
  return y;
}

Array relu(const Array& x) {
  Array y = x;
  for (double& value : y.values) value = value <= 0 ? 0 : value;  // NaN stays
  return y;
}

Array relu_backward(const Array& y, const Array& dy) {
  Array dx = dy;
  for (std::int64_t i = 0; i < y.size(); ++i) dx[i] = y[i] <= 0 ? 0 : dy[i];
  return dx;
}

Array matmul(const Array& a, bool transpose_a, const Array& b, bool transpose_b) {
  const std::int64_t rows = a.shape[transpose_a ? 1 : 0], inner = a.shape[transpose_a ? 0 : 1];
  const std::int64_t columns = b.shape[transpose_b ? 0 : 1];
  Array c({rows, columns});
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t col = 0; col < columns; ++col) {
      for (std::int64_t i = 0; i < inner; ++i) {
        const double left = transpose_a ? a[i * rows + r] : a[r * inner + i];
        const double right = transpose_b ? b[col * inner + i] : b[i * columns + col];
        c[r * columns + col] += left * right;
      }
    }
  }
  return c;
}

Array sum_rows(const Array& x) {
  Array sum({x.last()});
  for (std::int64_t i = 0; i < x.size(); ++i) sum[i % x.last()] += x[i];
  return sum;
}

Array add_bias(const Array& x, const Array& bias) {
  Array y = x;
  for (std::int64_t i = 0; i < y.size(); ++i) y[i] += bias[i % y.last()];
  return y;
}

Array linear(const Array& x, const Array& w, const Array* bias) {
  const Array y = matmul(x, false, w, true);
  return bias == nullptr ? y : add_bias(y, *bias);
}

namespace {

// Calls visit(x index, w index, y index) for every product in a convolution.
template <typename Visit>
void for_each_product(const std::vector<std::int64_t>& x, const std::vector<std::int64_t>& w,
                      const std::vector<std::int64_t>& y, int stride, int padding, Visit visit) {
  for (std::int64_t n = 0; n < y[0]; ++n)
    for (std::int64_t p = 0; p < y[1]; ++p)
      for (std::int64_t q = 0; q < y[2]; ++q)
        for (std::int64_t k = 0; k < y[3]; ++k)
          for (std::int64_t r = 0; r < w[1]; ++r)
            for (std::int64_t s = 0; s < w[2]; ++s) {
              const std::int64_t row = p * stride + r - padding, column = q * stride + s - padding;
              if (row < 0 || row >= x[1] || column < 0 || column >= x[2]) continue;
              const std::int64_t group = k / (y[3] / (x[3] / w[3]));
              for (std::int64_t c = 0; c < w[3]; ++c)
                visit(((n * x[1] + row) * x[2] + column) * x[3] + group * w[3] + c,
                      ((k * w[1] + r) * w[2] + s) * w[3] + c, ((n * y[1] + p) * y[2] + q) * y[3] + k);
            }
}

}  // namespace

std::int64_t window_count(std::int64_t extent, std::int64_t kernel, int stride, int padding) {
  std::int64_t count = 0;  // counted, not computed: how many windows fit
  for (std::int64_t start = -padding; start + kernel <= extent + padding; start += stride) ++count;
  return count;
}

Array conv2d(const Array& x, const Array& w, const Array* bias, int stride, int padding) {
  Array y({x.shape[0], window_count(x.shape[1], w.shape[1], stride, padding),
           window_count(x.shape[2], w.shape[2], stride, padding), w.shape[0]});
  for_each_product(x.shape, w.shape, y.shape, stride, padding,
                   [&](std::int64_t i, std::int64_t j, std::int64_t o) { y[o] += x[i] * w[j]; });
  if (bias != nullptr) {
    for (std::int64_t i = 0; i < y.size(); ++i) y[i] += (*bias)[i % y.last()];
  }
  return y;
}

Array conv2d_backward_data(const Array& dy, const Array& w, const Array& x_like, int stride, int padding) {
  Array dx(x_like.shape);
  for_each_product(dx.shape, w.shape, dy.shape, stride, padding,
                   [&](std::int64_t i, std::int64_t j, std::int64_t o) { dx[i] += dy[o] * w[j]; });
  return dx;
}

Array conv2d_backward_weight(const Array& x, const Array& dy, const Array& w_like, int stride, int padding) {
  Array dw(w_like.shape);
  for_each_product(x.shape, dw.shape, dy.shape, stride, padding,
                   [&](std::int64_t i, std::int64_t j, std::int64_t o) { dw[j] += dy[o] * x[i]; });
  return dw;
}

}  // namespace tern::reference
