// y = x / max(|x|, epsilon)      dx = (dy - y (y . dy)) / |x|, or dy / epsilon where |x| < epsilon
// x, y: [rows, columns]. Saves y and a number per row.
#include "engine/ops/l2_normalize.h"

#include <cmath>
#include <string>

#include "engine/backend/dispatch.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/cpu/rows.h"
#include "kernels/l2_normalize.h"

namespace tern {
namespace {

// Squares are summed in double, where those of tiny floats do not vanish.
void l2_normalize_forward_cpu(const Tensor& x, float epsilon, Tensor& y, Tensor& inverse_norm) {
  const std::int64_t columns = x.size(1);
  const float* in = x.data<float>();
  float *out = y.data<float>(), *inverse = inverse_norm.data<float>();
  if (columns == 0) return fill(1 / epsilon, inverse_norm);
  cpu::for_each_row(x, [=](std::int64_t r) {
    const cpu::ConstRow values(in + r * columns, columns);
    const double norm = std::sqrt(values.cast<double>().square().sum());
    inverse[r] = static_cast<float>(1.0 / (norm < static_cast<double>(epsilon) ? epsilon : norm));
    cpu::Row(out + r * columns, columns) = values * inverse[r];
  });
}

// Where epsilon stood in for a smaller norm the divisor was a constant, and the second term of dx is left
// out: |y| < 1 tells.
void l2_normalize_backward_cpu(const Tensor& y, const Tensor& inverse_norm, const Tensor& dy, Tensor& dx) {
  const std::int64_t columns = y.size(1);
  const float *value = y.data<float>(), *gradient = dy.data<float>(), *inverse = inverse_norm.data<float>();
  float* out = dx.data<float>();
  cpu::for_each_row(y, [=](std::int64_t r) {
    const cpu::ConstRow v(value + r * columns, columns), g(gradient + r * columns, columns);
    const bool clamped = cpu::blocked_sum(v.square()) < 0.999;
    const float dot = clamped ? 0.0f : static_cast<float>(cpu::blocked_sum(v * g));
    cpu::Row(out + r * columns, columns) = (g - v * dot) * inverse[r];
  });
}

}  // namespace

Variable l2_normalize(const Variable& x, float epsilon) {
  const Tensor& in = x.data();
  check_rank("l2_normalize", in, 2, "[rows, columns]");
  check_dtype("l2_normalize", "x", in, DType::f32);
  if (!(epsilon > 0)) throw Error("l2_normalize", "epsilon > 0", std::to_string(epsilon));
  Tensor y = Tensor::empty_like(in);
  Tensor inverse_norm = Tensor::empty({y.size(0)}, DType::f32, y.device());
  dispatch(
      in, [&] { l2_normalize_forward_cpu(in, epsilon, y, inverse_norm); },
      [&](auto& device) {
        kernels::l2_normalize_forward(in.data<float>(), epsilon, y.data<float>(), inverse_norm.data<float>(),
                                      y.size(0), y.size(1), device.stream());
      });
  return record("l2_normalize", {x}, y, [y, inverse_norm](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(y);
    dispatch(
        dy, [&] { l2_normalize_backward_cpu(y, inverse_norm, dy, dx); },
        [&](auto& device) {
          kernels::l2_normalize_backward(y.data<float>(), inverse_norm.data<float>(), dy.data<float>(),
                                         dx.data<float>(), y.size(0), y.size(1), device.stream());
        });
    return {dx};
  });
}

}  // namespace tern
