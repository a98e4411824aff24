#include "tests/reference/reference.h"

#include <algorithm>
#include <cmath>

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
  for (double& value : y.values) value = value > 0 ? value : 0;
  return y;
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

Array linear(const Array& x, const Array& w, const Array* bias) {
  Array y = matmul(x, false, w, true);
  if (bias != nullptr) {
    for (std::int64_t i = 0; i < y.size(); ++i) y[i] += (*bias)[i % y.last()];
  }
  return y;
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
              for (std::int64_t c = 0; c < x[3]; ++c)
                visit(((n * x[1] + row) * x[2] + column) * x[3] + c, ((k * w[1] + r) * w[2] + s) * w[3] + c,
                      ((n * y[1] + p) * y[2] + q) * y[3] + k);
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

Array log_softmax(const Array& x) {
  Array y = x;
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    const auto begin = y.values.begin() + r * x.last(), end = begin + x.last();
    double max = -INFINITY, sum = 0;
    for (auto value = begin; value != end; ++value) max = std::fmax(max, *value);  // NaN comes in by the sum
    for (auto value = begin; value != end; ++value) sum += std::exp(*value - max);
    for (auto value = begin; value != end; ++value) *value = *value - max - std::log(sum);
  }
  return y;
}

Array log_softmax_backward(const Array& y, const Array& dy) {
  Array dx = dy;
  for (std::int64_t r = 0; r < y.rows(); ++r) {
    double sum = 0;
    for (std::int64_t i = r * y.last(); i < (r + 1) * y.last(); ++i) sum += dy[i];
    for (std::int64_t i = r * y.last(); i < (r + 1) * y.last(); ++i) dx[i] -= std::exp(y[i]) * sum;
  }
  return dx;
}

Array softmax(const Array& x) {
  Array y = log_softmax(x);
  for (double& value : y.values) value = std::exp(value);
  return y;
}

Array softmax_backward(const Array& y, const Array& dy) {
  Array dx = dy;
  for (std::int64_t r = 0; r < y.rows(); ++r) {
    double dot = 0;
    for (std::int64_t i = r * y.last(); i < (r + 1) * y.last(); ++i) dot += y[i] * dy[i];
    for (std::int64_t i = r * y.last(); i < (r + 1) * y.last(); ++i) dx[i] = y[i] * (dy[i] - dot);
  }
  return dx;
}

Array l2_normalize(const Array& x, double epsilon) {
  Array y = x;
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    double squares = 0;
    for (std::int64_t c = 0; c < x.last(); ++c) squares += x[r * x.last() + c] * x[r * x.last() + c];
    for (std::int64_t c = 0; c < x.last(); ++c) y[r * x.last() + c] /= std::max(std::sqrt(squares), epsilon);
  }
  return y;
}

Array cosine_head(const Array& x, const Array& w, const Array& scale) {
  Array y = matmul(l2_normalize(x, 1e-12), false, l2_normalize(w, 1e-12), true);
  for (double& value : y.values) value *= scale[0];
  return y;
}

Array cross_entropy(const Array& logits, const std::vector<std::int32_t>& targets, double smoothing,
                    std::int32_t ignore_index) {
  const Array log_p = log_softmax(logits);
  const std::int64_t classes = logits.last();
  Array loss({1});
  double count = 0;
  for (std::int64_t r = 0; r < static_cast<std::int64_t>(targets.size()); ++r) {
    const std::int32_t target = targets[static_cast<std::size_t>(r)];
    if (target == ignore_index) continue;
    count += 1;
    for (std::int64_t c = 0; c < classes; ++c) {
      const double wanted = (c == target ? 1 - smoothing : 0) + smoothing / static_cast<double>(classes);
      loss[0] -= wanted * log_p[r * classes + c];
    }
  }
  if (count > 0) loss[0] /= count;
  return loss;
}

Array hierarchical_kl(const Array& super, const Array& sub, const std::vector<std::int32_t>& sub_to_super,
                      bool forward, double temperature, bool scale_by_temperature_squared, double epsilon) {
  const std::int64_t supers = super.last(), subs = sub.last(), rows = super.shape[0];
  std::vector<bool> used(static_cast<std::size_t>(supers), false);
  for (const std::int32_t k : sub_to_super) {
    if (k >= 0) used[static_cast<std::size_t>(k)] = true;
  }
  Array loss({1});
  for (std::int64_t r = 0; r < rows; ++r) {
    std::vector<double> p(static_cast<std::size_t>(supers)), q(p.size());
    double p_sum = 0, s_sum = 0, q_sum = 0;
    for (std::int64_t k = 0; k < supers; ++k) {
      const auto at = static_cast<std::size_t>(k);
      p_sum += p[at] = used[at] ? std::exp(super[r * supers + k] / temperature) : 0;
    }
    for (std::int64_t i = 0; i < subs; ++i) {
      if (sub_to_super[static_cast<std::size_t>(i)] >= 0) s_sum += std::exp(sub[r * subs + i] / temperature);
    }
    for (std::int64_t i = 0; i < subs; ++i) {
      const std::int32_t k = sub_to_super[static_cast<std::size_t>(i)];
      if (k >= 0) q[static_cast<std::size_t>(k)] += std::exp(sub[r * subs + i] / temperature) / s_sum;
    }
    for (const double value : q) q_sum += value;
    for (std::size_t k = 0; k < p.size(); ++k) {
      if (!used[k]) continue;
      const double log_p = std::log(p[k] / p_sum), log_q = std::log(q[k] / (q_sum + epsilon) + epsilon);
      loss[0] += forward ? p[k] / p_sum * (log_p - log_q) : std::exp(log_q) * (log_q - log_p);
    }
  }
  const double factor = scale_by_temperature_squared ? temperature * temperature : 1;
  if (rows > 0) loss[0] *= factor / static_cast<double>(rows);
  return loss;
}

}  // namespace tern::reference
