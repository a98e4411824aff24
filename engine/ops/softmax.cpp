// softmax        y_i = exp(x_i) / sum_j exp(x_j)        dx = y (dy - sum_j dy_j y_j)
// log_softmax    y_i = x_i - log sum_j exp(x_j)         dx = dy - exp(y) sum_j dy_j
// x, y: [rows, classes]. Save y only.
#include "engine/ops/softmax.h"

#include <cmath>

#include "engine/backend/dispatch.h"
#include "engine/ops/cpu/rows.h"
#include "kernels/softmax.h"

namespace tern {
namespace {

void softmax_forward_cpu(const Tensor& x, Tensor& y) {
  const std::int64_t columns = x.size(1);
  const float* in = x.data<float>();
  float* out = y.data<float>();
  cpu::for_each_row(x, [=](std::int64_t r) {
    const cpu::ConstRow values(in + r * columns, columns);
    cpu::Row result(out + r * columns, columns);
    result = (values - values.maxCoeff()).exp();
    result *= static_cast<float>(1.0 / cpu::blocked_sum(result));
  });
}

void softmax_backward_cpu(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const std::int64_t columns = y.size(1);
  const float *value = y.data<float>(), *gradient = dy.data<float>();
  float* out = dx.data<float>();
  cpu::for_each_row(y, [=](std::int64_t r) {
    const cpu::ConstRow p(value + r * columns, columns), g(gradient + r * columns, columns);
    const float dot = static_cast<float>(cpu::blocked_sum(p * g));
    cpu::Row(out + r * columns, columns) = p * (g - dot);
  });
}

void log_softmax_forward_cpu(const Tensor& x, Tensor& y) {
  const std::int64_t columns = x.size(1);
  const float* in = x.data<float>();
  float* out = y.data<float>();
  cpu::for_each_row(x, [=](std::int64_t r) {
    const cpu::ConstRow values(in + r * columns, columns);
    const float max = values.maxCoeff();
    const float log_sum = static_cast<float>(std::log(cpu::blocked_sum((values - max).exp())));
    cpu::Row(out + r * columns, columns) = (values - max) - log_sum;
  });
}

void log_softmax_backward_cpu(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const std::int64_t columns = y.size(1);
  const float *value = y.data<float>(), *gradient = dy.data<float>();
  float* out = dx.data<float>();
  cpu::for_each_row(y, [=](std::int64_t r) {
    const cpu::ConstRow log_p(value + r * columns, columns), g(gradient + r * columns, columns);
    const float sum = static_cast<float>(cpu::blocked_sum(g));
    cpu::Row(out + r * columns, columns) = g - log_p.exp() * sum;
  });
}

void check_rows(const char* op, const Tensor& x) {
  check_rank(op, x, 2, "[rows, classes]");
  check_dtype(op, "x", x, DType::f32);
}

}  // namespace

Variable softmax(const Variable& x) {
  const Tensor& in = x.data();
  check_rows("softmax", in);
  Tensor y = Tensor::empty_like(in);
  dispatch(
      in, [&] { softmax_forward_cpu(in, y); },
      [&](auto& device) {
        kernels::softmax_forward(in.data<float>(), y.data<float>(), y.size(0), y.size(1), device.stream());
      });
  return record("softmax", {x}, y, [y](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(y);
    dispatch(
        dy, [&] { softmax_backward_cpu(y, dy, dx); },
        [&](auto& device) {
          kernels::softmax_backward(y.data<float>(), dy.data<float>(), dx.data<float>(), y.size(0), y.size(1),
                                    device.stream());
        });
    return {dx};
  });
}

Variable log_softmax(const Variable& x) {
  const Tensor& in = x.data();
  check_rows("log_softmax", in);
  Tensor y = Tensor::empty_like(in);
  dispatch(
      in, [&] { log_softmax_forward_cpu(in, y); },
      [&](auto& device) {
        kernels::log_softmax_forward(in.data<float>(), y.data<float>(), y.size(0), y.size(1),
                                     device.stream());
      });
  return record("log_softmax", {x}, y, [y](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(y);
    dispatch(
        dy, [&] { log_softmax_backward_cpu(y, dy, dx); },
        [&](auto& device) {
          kernels::log_softmax_backward(y.data<float>(), dy.data<float>(), dx.data<float>(), y.size(0),
                                        y.size(1), device.stream());
        });
    return {dx};
  });
}

}  // namespace tern
