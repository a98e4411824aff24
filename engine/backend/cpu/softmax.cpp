// Softmax, log-softmax and L2 normalisation along rows of [rows, columns]. y may alias x, dx may alias dy.
#include <cmath>

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/backend/cpu/rows.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

using cpu::blocked_sum;
using cpu::ConstRow;
using cpu::Row;

// Calls body(r) for every row, in parallel. Nothing is called if rows are empty.
template <typename Body>
void for_each_row(const Tensor& x, Body body) {
  const std::int64_t columns = x.size(1);
  if (columns == 0) return;
  parallel_for(x.size(0), cpu::row_grain(columns), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) body(r);
  });
}

}  // namespace

// y_i = exp(x_i - max) / sum_j exp(x_j - max)
void CpuBackend::softmax_forward(const Tensor& x, Tensor& y) {
  const std::int64_t columns = x.size(1);
  const float* in = x.data<float>();
  float* out = y.data<float>();
  for_each_row(x, [=](std::int64_t r) {
    const ConstRow values(in + r * columns, columns);
    Row result(out + r * columns, columns);
    result = (values - values.maxCoeff()).exp();
    result *= static_cast<float>(1.0 / blocked_sum(result));
  });
}

// dx = y (dy - sum_j dy_j y_j)
void CpuBackend::softmax_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const std::int64_t columns = y.size(1);
  const float *value = y.data<float>(), *gradient = dy.data<float>();
  float* out = dx.data<float>();
  for_each_row(y, [=](std::int64_t r) {
    const ConstRow p(value + r * columns, columns), g(gradient + r * columns, columns);
    const float dot = static_cast<float>(blocked_sum(p * g));
    Row(out + r * columns, columns) = p * (g - dot);
  });
}

// y_i = x_i - max - log sum_j exp(x_j - max)
void CpuBackend::log_softmax_forward(const Tensor& x, Tensor& y) {
  const std::int64_t columns = x.size(1);
  const float* in = x.data<float>();
  float* out = y.data<float>();
  for_each_row(x, [=](std::int64_t r) {
    const ConstRow values(in + r * columns, columns);
    const float most = values.maxCoeff();
    const float log_sum = static_cast<float>(std::log(blocked_sum((values - most).exp())));
    Row(out + r * columns, columns) = (values - most) - log_sum;
  });
}

// dx = dy - exp(y) sum_j dy_j
void CpuBackend::log_softmax_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const std::int64_t columns = y.size(1);
  const float *value = y.data<float>(), *gradient = dy.data<float>();
  float* out = dx.data<float>();
  for_each_row(y, [=](std::int64_t r) {
    const ConstRow log_p(value + r * columns, columns), g(gradient + r * columns, columns);
    const float sum = static_cast<float>(blocked_sum(g));
    Row(out + r * columns, columns) = g - log_p.exp() * sum;
  });
}

// y = x / max(|x|, epsilon); squares are summed in double, where those of tiny floats do not vanish.
void CpuBackend::l2_normalize_forward(const Tensor& x, float epsilon, Tensor& y, Tensor& inverse_norm) {
  const std::int64_t columns = x.size(1);
  const float* in = x.data<float>();
  float *out = y.data<float>(), *inverse = inverse_norm.data<float>();
  if (columns == 0) return fill(1 / epsilon, inverse_norm);
  for_each_row(x, [=](std::int64_t r) {
    const ConstRow values(in + r * columns, columns);
    const double norm = std::sqrt(values.cast<double>().square().sum());
    inverse[r] = static_cast<float>(1.0 / (norm < static_cast<double>(epsilon) ? epsilon : norm));
    Row(out + r * columns, columns) = values * inverse[r];
  });
}

// dx = (dy - y (y . dy)) / |x|. Where epsilon stood in for a smaller norm the divisor was a constant, and the
// second term is left out: |y| < 1 tells.
void CpuBackend::l2_normalize_backward(const Tensor& y, const Tensor& inverse_norm, const Tensor& dy,
                                       Tensor& dx) {
  const std::int64_t columns = y.size(1);
  const float *value = y.data<float>(), *gradient = dy.data<float>(), *inverse = inverse_norm.data<float>();
  float* out = dx.data<float>();
  for_each_row(y, [=](std::int64_t r) {
    const ConstRow v(value + r * columns, columns), g(gradient + r * columns, columns);
    const bool clamped = blocked_sum(v.square()) < 0.999;
    const float dot = clamped ? 0.0f : static_cast<float>(blocked_sum(v * g));
    Row(out + r * columns, columns) = (g - v * dot) * inverse[r];
  });
}

}  // namespace tern
