// y = max(x, 0)      dx = 0 where y <= 0, else dy: NaN has dy, as in PyTorch
// Any shape. Saves y, which its consumer keeps anyway.
#include "engine/ops/relu.h"

#include "engine/backend/dispatch.h"
#include "engine/core/parallel.h"
#include "kernels/relu.h"

namespace tern {
namespace {

// Written so that NaN comes through: a loss that went wrong must not be hidden.
template <typename T>
void relu_forward_cpu(const Tensor& x, Tensor& y) {
  const T* in = x.data<T>();
  T* out = y.data<T>();
  parallel_for(y.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) store(load(in[i]) < 0 ? 0.0f : load(in[i]), out[i]);
  });
}

template <typename T>
void relu_backward_cpu(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const T *value = y.data<T>(), *gradient = dy.data<T>();
  T* out = dx.data<T>();
  parallel_for(dx.numel(), kElementwiseGrain, [=](std::int64_t begin, std::int64_t end) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) store(load(value[i]) <= 0 ? 0.0f : load(gradient[i]), out[i]);
  });
}

}  // namespace

void relu_forward(const Tensor& x, Tensor& y) {
  dispatch(
      x, [&] { with_type(x, [&]<typename T>() { relu_forward_cpu<T>(x, y); }); },
      [&](auto& device) {
        with_type(x, [&]<typename T>() {
          kernels::relu_forward(x.data<T>(), y.data<T>(), y.numel(), device.stream());
        });
      });
}

void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  dispatch(
      y, [&] { with_type(y, [&]<typename T>() { relu_backward_cpu<T>(y, dy, dx); }); },
      [&](auto& device) {
        with_type(y, [&]<typename T>() {
          kernels::relu_backward(y.data<T>(), dy.data<T>(), dx.data<T>(), dx.numel(), device.stream());
        });
      });
}

Variable relu(const Variable& x) {
  check_activation("relu", "x", x.data());
  Tensor y = Tensor::empty_like(x.data());
  relu_forward(x.data(), y);
  return record("relu", {x}, y, [y](const Tensor& dy) -> Grads {
    Tensor dx = dy.sole_owner() ? dy : Tensor::empty_like(dy);
    relu_backward(y, dy, dx);
    return {dx};
  });
}

}  // namespace tern
