// References of what works on the rows of a matrix.
#include <algorithm>
#include <cmath>

#include "tests/reference/reference.h"

namespace tern::reference {

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

Top1 top1(const Array& x) {
  Top1 result{{}, Array({x.rows()})};
  for (std::int64_t r = 0; r < x.rows(); ++r) {
    const auto row = [&](std::int64_t c) { return x[r * x.last() + c]; };
    std::int64_t best = 0;
    for (std::int64_t c = 1; c < x.last() && !std::isnan(row(best)); ++c) {
      if (row(c) > row(best) || std::isnan(row(c))) best = c;
    }
    double sum = 0;
    for (std::int64_t c = 0; c < x.last(); ++c) sum += std::exp(row(c) - row(best));
    result.best.push_back(static_cast<std::int32_t>(best));
    result.probability[r] = 1 / sum;
  }
  return result;
}

Array inverse_norm(const Array& x, double epsilon) {
  Array result({x.shape[0]});
  for (std::int64_t r = 0; r < result.size(); ++r) {
    double squares = 0;
    for (std::int64_t i = r * x.last(); i < (r + 1) * x.last(); ++i) squares += x[i] * x[i];
    result[r] = 1 / std::max(std::sqrt(squares), epsilon);
  }
  return result;
}

Array l2_normalize(const Array& x, double epsilon) {
  const Array inverse = inverse_norm(x, epsilon);
  Array y = x;
  for (std::int64_t i = 0; i < y.size(); ++i) y[i] *= inverse[i / x.last()];
  return y;
}

Array l2_normalize_backward(const Array& y, const Array& inverse_norm, double epsilon, const Array& dy) {
  Array dx = dy;
  for (std::int64_t r = 0; r < y.rows(); ++r) {
    const bool is_constant = inverse_norm[r] > (1 - 1e-6) / epsilon;  // 1e-6: it may be rounded to f32
    double dot = 0;
    for (std::int64_t i = r * y.last(); i < (r + 1) * y.last(); ++i) dot += is_constant ? 0 : y[i] * dy[i];
    for (std::int64_t i = r * y.last(); i < (r + 1) * y.last(); ++i)
      dx[i] = (dy[i] - (is_constant ? 0 : y[i] * dot)) * inverse_norm[r];
  }
  return dx;
}

namespace {
constexpr double kCosineEpsilon = 1e-12;
}

Array cosine_head(const Array& x, const Array& w, const Array& scale) {
  Array y = matmul(l2_normalize(x, kCosineEpsilon), false, l2_normalize(w, kCosineEpsilon), true);
  for (double& value : y.values) value *= scale[0];
  return y;
}

CosineHeadGradients cosine_head_gradients(const Array& x, const Array& w, const Array& scale,
                                          const Array& dy) {
  const Array x_unit = l2_normalize(x, kCosineEpsilon), w_unit = l2_normalize(w, kCosineEpsilon);
  const Array cosines = matmul(x_unit, false, w_unit, true);
  Array dcosines = dy;
  for (double& value : dcosines.values) value *= scale[0];
  CosineHeadGradients result;
  result.dx = l2_normalize_backward(x_unit, inverse_norm(x, kCosineEpsilon), kCosineEpsilon,
                                    matmul(dcosines, false, w_unit, false));
  result.dw = l2_normalize_backward(w_unit, inverse_norm(w, kCosineEpsilon), kCosineEpsilon,
                                    matmul(dcosines, true, x_unit, false));
  result.dscale = Array({1});
  for (std::int64_t i = 0; i < dy.size(); ++i) result.dscale[0] += dy[i] * cosines[i];
  return result;
}

}  // namespace tern::reference
