// xhat = (x - mean) / sqrt(variance + epsilon)        y = relu(gamma xhat + beta + residual)
// With g = dy, but 0 where y <= 0 if there is a ReLU, and sums over the n values of a channel:
//   dbeta = sum g      dgamma = sum g xhat      dresidual = g
//   dx = gamma / sqrt(variance + epsilon) (g - [dbeta + xhat dgamma] / n)     brackets: batch statistics only
// x, y, residual: [..., C], f32 or bf16; the rest f32. Saves x, the statistics, and y if there is a ReLU.
#include "engine/ops/batch_norm.h"

#include <cstdlib>
#include <string>

#include "engine/backend/dispatch.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/cpu/batch_norm.h"
#include "kernels/batch_norm.h"

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
  check(!training || state.ranks == nullptr || x.device().is_cpu(), "batch_norm",
        "the CPU for statistics of several ranks", "another device");
  if (training && state.ranks == nullptr && channels > 0 && x.numel() == channels) {
    throw Error("batch_norm", "more than one value a channel in training", x.shape().text());
  }
}

// TERN_BATCH_NORM_ONE_LAUNCH=ROWS in the environment: up to how many rows one launch is taken, to try others on a GPU.
std::int64_t one_launch_rows() {
  static const std::int64_t rows = [] {
    const char* const text = std::getenv("TERN_BATCH_NORM_ONE_LAUNCH");
    if (text == nullptr) return kernels::kBatchNormOneLaunchRows;
    char* end = nullptr;
    const std::int64_t number = std::strtoll(text, &end, 10);
    if (end == text || *end != '\0' || number < 0)
      throw Error("TERN_BATCH_NORM_ONE_LAUNCH", "a number of rows", std::string("'") + text + "'");
    return number;
  }();
  return rows;
}

cpu::SumOverRanks sum_over(Communicator* ranks) {
  if (ranks == nullptr) return {};
  return [ranks](std::span<double> values) { ranks->all_reduce(values); };
}

struct Extents {
  std::int64_t rows, channels;  // x with the pixels as rows
};

Extents extents_of(const Tensor& x) {
  const std::int64_t channels = x.size(-1);
  return {channels == 0 ? 0 : x.numel() / channels, channels};
}

// y with this batch's mean and 1 / sqrt(biased variance + epsilon), which are written, and the running
// statistics moved: running = (1 - momentum) running + momentum batch, with the unbiased variance. y may
// alias x.
void batch_norm_training(const Tensor& x, BatchNormState& state, const Epilogue& epilogue, Tensor& mean,
                         Tensor& inverse_std, Tensor& y) {
  const Tensor &gamma = state.gamma.data(), &beta = state.beta.data();
  dispatch(
      x,
      [&] {
        cpu::batch_norm_training(x, gamma, beta, state.epsilon, state.momentum, epilogue, state.running_mean,
                                 state.running_variance, mean, inverse_std, y, sum_over(state.ranks));
      },
      [&](auto& device) {
        const auto [rows, channels] = extents_of(x);
        if (rows == 0) return;
        void* const memory = device.workspace("batch_norm", rows, channels,
                                              kernels::batch_norm_workspace_bytes(rows, channels));
        with_type(x, [&, rows = rows, channels = channels]<typename T>() {
          kernels::batch_norm_training(
              x.data<T>(), gamma.data<float>(), beta.data<float>(), data_or_null<T>(epilogue.residual),
              epilogue.relu, state.epsilon, state.momentum, state.running_mean.data<float>(),
              state.running_variance.data<float>(), mean.data<float>(), inverse_std.data<float>(),
              y.data<T>(), memory, rows, channels, device.stream(), one_launch_rows());
        });
      });
}

void batch_norm_inference(const Tensor& x, const Tensor& gamma, const Tensor& beta, float epsilon,
                          const Epilogue& epilogue, const Tensor& running_mean,
                          const Tensor& running_variance, Tensor& y) {
  dispatch(
      x,
      [&] {
        cpu::batch_norm_inference(x, gamma, beta, epsilon, epilogue, running_mean, running_variance, y);
      },
      [&](auto& device) {
        const auto [rows, channels] = extents_of(x);
        with_type(x, [&, rows = rows, channels = channels]<typename T>() {
          kernels::batch_norm_inference(x.data<T>(), gamma.data<float>(), beta.data<float>(),
                                        data_or_null<T>(epilogue.residual), epilogue.relu, epsilon,
                                        running_mean.data<float>(), running_variance.data<float>(),
                                        y.data<T>(), rows, channels, device.stream());
        });
      });
}

// With g = dy, but 0 where y <= 0 (y null: no ReLU, no zeros): dgamma, dbeta, dx, and dresidual = g (or null).
// With batch_statistics the mean and deviation are functions of x, else constants. beta, or null: y's sign follows from x,
// so that y need not be read. dx and dresidual may alias dy.
void batch_norm_backward(const Tensor& x, const Tensor* y, const Tensor& dy, const Tensor& gamma,
                         const Tensor* beta, const Tensor& mean, const Tensor& inverse_std,
                         bool batch_statistics, Tensor& dx, Tensor& dgamma, Tensor& dbeta, Tensor* dresidual,
                         Communicator* ranks) {
  dispatch(
      x,
      [&] {
        cpu::batch_norm_backward(x, beta != nullptr ? nullptr : y, dy, gamma, beta, mean, inverse_std,
                                 batch_statistics, dx, dgamma, dbeta, dresidual, sum_over(ranks));
      },
      [&](auto& device) {
        const auto [rows, channels] = extents_of(x);
        void* const memory = device.workspace("batch_norm_backward", rows, channels,
                                              kernels::batch_norm_workspace_bytes(rows, channels));
        with_type(x, [&, rows = rows, channels = channels]<typename T>() {
          kernels::batch_norm_backward(
              x.data<T>(), data_or_null<T>(beta != nullptr ? nullptr : y), dy.data<T>(), gamma.data<float>(),
              data_or_null<float>(beta), mean.data<float>(), inverse_std.data<float>(), batch_statistics,
              dx.data<T>(), dgamma.data<float>(), dbeta.data<float>(), data_or_null<T>(dresidual), memory,
              rows, channels, device.stream(), one_launch_rows());
        });
      });
}

// 1 / sqrt(variance + epsilon), as the normalisation of ones under mean 0: no primitive of its own is needed.
Tensor inverse_deviation(const Tensor& variance, float epsilon) {
  const Shape row{1, variance.numel()};
  Tensor one = Tensor::empty_like(variance), zero = Tensor::zeros_like(variance);
  Tensor result = Tensor::empty(row, DType::f32, variance.device());
  fill(1, one);
  batch_norm_inference(one.reshape(row), one, zero, epsilon, {}, zero, variance, result);
  return result.reshape(variance.shape());
}

// What backward needs besides dy.
struct Saved {
  Tensor x, y, gamma, beta, mean, inverse_std;
  bool relu, batch_statistics, has_residual, for_residual;
  Communicator* ranks;  ///< whose statistics the batch's are; null: its own

  Grads gradients(const Tensor& dy) const {
    Tensor dgamma = Tensor::empty_like(gamma), dbeta = Tensor::empty_like(gamma);
    // dy's memory serves again, for the residual's gradient if there is one, else for dx. Without a ReLU the
    // residual's gradient is dy itself.
    const bool reuse = dy.sole_owner();
    Tensor dresidual;
    if (for_residual) dresidual = reuse || !relu ? dy : Tensor::empty_like(dy);
    Tensor dx = reuse && !for_residual ? dy : Tensor::empty_like(dy);
    const bool mask_follows_from_x = relu && batch_statistics && !has_residual;
    batch_norm_backward(x, relu ? &y : nullptr, dy, gamma, mask_follows_from_x ? &beta : nullptr, mean,
                        inverse_std, batch_statistics, dx, dgamma, dbeta,
                        for_residual && relu ? &dresidual : nullptr, ranks);
    return {dx, dgamma, dbeta, dresidual};
  }
};

}  // namespace

Variable batch_norm(const Variable& x, BatchNormState& state, bool training, const Variable& residual,
                    bool relu) {
  check_arguments(x.data(), state, training, residual);
  const Epilogue epilogue{residual.defined() ? &residual.data() : nullptr, relu};
  const Tensor &gamma = state.gamma.data(), &beta = state.beta.data();
  Tensor y = Tensor::empty_like(x.data());
  Tensor mean, inverse_std;
  if (training) {
    const bool has_values = x.data().numel() > 0;
    mean = has_values ? Tensor::empty_like(gamma) : Tensor::zeros_like(gamma);
    inverse_std = has_values ? Tensor::empty_like(gamma) : Tensor::zeros_like(gamma);
    batch_norm_training(x.data(), state, epilogue, mean, inverse_std, y);
  } else {
    batch_norm_inference(x.data(), gamma, beta, state.epsilon, epilogue, state.running_mean,
                         state.running_variance, y);
  }
  if (!will_record({&x, &state.gamma, &state.beta, &residual})) return Variable(std::move(y));
  if (!training) {  // copies: a later training pass moves the running statistics
    mean = state.running_mean.clone();
    inverse_std = inverse_deviation(state.running_variance, state.epsilon);
  }
  const Saved saved{x.data(),
                    relu ? y : Tensor(),
                    gamma,
                    beta,
                    mean,
                    inverse_std,
                    relu,
                    training,
                    residual.defined(),
                    residual.requires_grad(),
                    training ? state.ranks : nullptr};
  return record("batch_norm", {x, state.gamma, state.beta, residual}, std::move(y),
                [saved](const Tensor& dy) { return saved.gradients(dy); });
}

}  // namespace tern
