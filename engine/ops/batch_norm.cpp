// xhat = (x - mean) / sqrt(variance + epsilon)        y = relu(gamma xhat + beta + residual)
// With g = 0 where y <= 0, else dy (or dy), over the n values of a channel:
//   dbeta = sum g      dgamma = sum g xhat      dresidual = g
//   dx = gamma / sqrt(variance + epsilon) (g - [dbeta + xhat dgamma] / n)     brackets: batch statistics only
// x, y, residual: [..., C], f32 or bf16; the rest f32. Saves x, the statistics, and y if there is a ReLU.
#include "engine/ops/batch_norm.h"

#include <string>

#include "engine/backend/backend.h"
#include "engine/core/check.h"

namespace tern {
namespace {

void check_arguments(const Tensor& x, const BatchNormState& state, bool training, const Variable& residual) {
  check_activation("batch_norm", "x", x);
  if (x.rank() < 2) throw Error("batch_norm", "x [..., C] of rank 2 or more", x.shape().text());
  const std::int64_t channels = x.size(-1);
  check_shape("batch_norm", "gamma", state.gamma.data(), {channels});
  check_shape("batch_norm", "beta", state.beta.data(), {channels});
  check_shape("batch_norm", "running mean", state.running_mean, {channels});
  check_shape("batch_norm", "running variance", state.running_variance, {channels});
  if (residual.defined()) {
    check_dtype("batch_norm", "residual", residual.data(), x.dtype());
    check_shape("batch_norm", "residual", residual.data(), x.shape());
  }
  if (training && channels > 0 && x.numel() / channels <= 1) {
    throw Error("batch_norm", "more than one value a channel in training", x.shape().text());
  }
}

// 1 / sqrt(variance + epsilon), as the normalisation of ones under mean 0: no primitive of its own is needed.
Tensor inverse_deviation(const Tensor& variance, float epsilon) {
  Backend& backend = backend_of(variance);
  const Shape row{1, variance.numel()};
  Tensor one = Tensor::empty_like(variance), zero = Tensor::zeros_like(variance);
  Tensor result = Tensor::empty(row, DType::f32, variance.device());
  backend.fill(1, one);
  backend.batch_norm_inference(one.reshape(row), one, zero, epsilon, {}, zero, variance, result);
  return result.reshape(variance.shape());
}

// What backward needs besides dy.
struct Saved {
  Tensor x, y, gamma, mean, inverse_std;
  bool relu, batch_statistics, for_residual;

  Grads gradients(const Tensor& dy) const {
    Tensor dgamma = Tensor::empty_like(gamma), dbeta = Tensor::empty_like(gamma);
    // dy's memory serves again, for the residual's gradient if there is one, else for dx. Without a ReLU the
    // residual's gradient is dy itself.
    const bool reuse = dy.sole_owner();
    Tensor dresidual;
    if (for_residual) dresidual = reuse || !relu ? dy : Tensor::empty_like(dy);
    Tensor dx = reuse && !for_residual ? dy : Tensor::empty_like(dy);
    backend_of(dy).batch_norm_backward(x, relu ? &y : nullptr, dy, gamma, mean, inverse_std, batch_statistics,
                                       dx, dgamma, dbeta, for_residual && relu ? &dresidual : nullptr);
    return {dx, dgamma, dbeta, dresidual};
  }
};

}  // namespace

Variable batch_norm(const Variable& x, BatchNormState& state, bool training, const Variable& residual,
                    bool relu) {
  check_arguments(x.data(), state, training, residual);
  Backend& backend = backend_of(x.data());
  const Epilogue epilogue{residual.defined() ? &residual.data() : nullptr, relu};
  const Tensor &gamma = state.gamma.data(), &beta = state.beta.data();
  Tensor y = Tensor::empty_like(x.data());
  Tensor mean, inverse_std;
  if (training) {
    mean = Tensor::empty_like(gamma);
    inverse_std = Tensor::empty_like(gamma);
    backend.batch_norm_training(x.data(), gamma, beta, state.epsilon, state.momentum, epilogue,
                                state.running_mean, state.running_variance, mean, inverse_std, y);
  } else {
    backend.batch_norm_inference(x.data(), gamma, beta, state.epsilon, epilogue, state.running_mean,
                                 state.running_variance, y);
  }
  if (!will_record({&x, &state.gamma, &state.beta, &residual})) return Variable(std::move(y));
  if (!training) {  // copies: a later training pass moves the running statistics
    mean = state.running_mean.clone();
    inverse_std = inverse_deviation(state.running_variance, state.epsilon);
  }
  const Saved saved{x.data(), relu ? y : Tensor(),     gamma, mean, inverse_std, relu,
                    training, residual.requires_grad()};
  return record("batch_norm", {x, state.gamma, state.beta, residual}, std::move(y),
                [saved](const Tensor& dy) { return saved.gradients(dy); });
}

}  // namespace tern
