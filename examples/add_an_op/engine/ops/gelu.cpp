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

template <typename T>
void gelu_forward_cpu(const Tensor& x, Tensor& y) {
  const T* in = x.data<T>();
  T* out = y.data<T>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float value = static_cast<float>(in[i]);
      out[i] = T(value * normal_distribution(value));
    }
  });
}

template <typename T>
void gelu_backward_cpu(const Tensor& x, const Tensor& dy, Tensor& dx) {
  const T *in = x.data<T>(), *gradient = dy.data<T>();
  T* out = dx.data<T>();
  parallel_for(dx.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float value = static_cast<float>(in[i]);
      out[i] =
          T(static_cast<float>(gradient[i]) * (normal_distribution(value) + value * normal_density(value)));
    }
  });
}

}  // namespace

Variable gelu(const Variable& x) {
  const Tensor in = x.data();
  check_activation("gelu", "x", in);
  Tensor y = Tensor::empty_like(in);
  dispatch(
      in, [&] { with_type(in, [&]<typename T>() { gelu_forward_cpu<T>(in, y); }); },
      [&](auto& device) {
        with_type(in, [&]<typename T>() {
          kernels::gelu_forward(in.data<T>(), y.data<T>(), y.numel(), device.stream());
        });
      });
  return record("gelu", {x}, std::move(y), [in](const Tensor& dy) -> Grads {
    Tensor dx = Tensor::empty_like(dy);
    dispatch(
        dy, [&] { with_type(dy, [&]<typename T>() { gelu_backward_cpu<T>(in, dy, dx); }); },
        [&](auto& device) {
          with_type(dy, [&]<typename T>() {
            kernels::gelu_backward(in.data<T>(), dy.data<T>(), dx.data<T>(), dx.numel(), device.stream());
          });
        });
    return {dx};
  });
}

}  // namespace tern
