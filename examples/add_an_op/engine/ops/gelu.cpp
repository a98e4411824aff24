// y = x Phi(x)                   Phi(x) = erfc(-x / sqrt(2)) / 2
// dx = dy (Phi(x) + x phi(x))    phi(x) = e^(-x^2 / 2) / sqrt(2 pi)
// Any shape. Saves x.
#include "engine/ops/gelu.h"

#include <cmath>
#include <numbers>

#include "engine/backend/dispatch.h"
#include "engine/core/parallel.h"
#include "kernels/gelu.h"

namespace tern {
namespace {

float normal_distribution(float x) {
  return 0.5f * std::erfc(x * -std::numbers::sqrt2_v<float> / 2);
}
float normal_density(float x) {
  return std::numbers::inv_sqrtpi_v<float> / std::numbers::sqrt2_v<float> * std::exp(-0.5f * x * x);
}

void gelu_forward_cpu(const Tensor& x, Tensor& y) {
  const float* in = x.data<float>();
  float* out = y.data<float>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) out[i] = in[i] * normal_distribution(in[i]);
  });
}

void gelu_backward_cpu(const Tensor& x, const Tensor& dy, Tensor& dx) {
  const float *in = x.data<float>(), *gradient = dy.data<float>();
  float* out = dx.data<float>();
  parallel_for(dx.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      out[i] = gradient[i] * (normal_distribution(in[i]) + in[i] * normal_density(in[i]));
    }
  });
}

}  // namespace

Variable gelu(const Variable& x) {
  const Tensor in = x.data();
  check_activation("gelu", "x", in);
  Tensor y = Tensor::empty_like(in);
  dispatch(
      in, [&] { gelu_forward_cpu(in, y); },
      [&](auto& device) {
        with_type(in, [&]<typename T>() {
          kernels::gelu_forward(in.data<T>(), y.data<T>(), y.numel(), device.stream());
        });
      });
  return record("gelu", {x}, std::move(y), [in](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(dy);
    dispatch(
        dy, [&] { gelu_backward_cpu(in, dy, dx); },
        [&](auto& device) {
          with_type(dy, [&]<typename T>() {
            kernels::gelu_backward(in.data<T>(), dy.data<T>(), dx.data<T>(), dx.numel(), device.stream());
          });
        });
    return {dx};
  });
}

}  // namespace tern
