// loss = mean_r -sum_c target_rc log p_rc      dlogits = (p - target) / n      p = softmax(logits)
// target = (1 - s) one-hot + s / classes; ignored rows leave the mean over the n others and get no gradient.
// logits [rows, classes], targets [rows] i32, loss [1]. The gradient is computed on the way forward, where
// the probabilities are at hand, and is all that is saved.
#include "engine/ops/cross_entropy.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "engine/backend/dispatch.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/cpu/rows.h"
#include "kernels/cross_entropy.h"

namespace tern {
namespace {

void check_arguments(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  check_rank("cross_entropy", logits, 2, "logits [rows, classes]");
  check_dtype("cross_entropy", "logits", logits, DType::f32);
  check_dtype("cross_entropy", "targets", targets, DType::i32);
  check_shape("cross_entropy", "targets", targets, {logits.size(0)});
  if (!(options.label_smoothing >= 0 && options.label_smoothing < 1)) {
    throw Error("cross_entropy", "label smoothing in [0, 1)", std::to_string(options.label_smoothing));
  }
  if (!targets.device().is_cpu()) return;  // elsewhere a look would cost a wait for the device
  const std::int32_t* target = targets.data<std::int32_t>();
  for (std::int64_t r = 0; r < targets.numel(); ++r) {
    if (target[r] == options.ignore_index || (target[r] >= 0 && target[r] < logits.size(1))) continue;
    throw Error("cross_entropy", "targets in 0.." + std::to_string(logits.size(1) - 1),
                std::to_string(target[r]) + " in row " + std::to_string(r));
  }
}

// The loss of a row is -(1 - s) log p_t - s / C sum_c log p_c. Reads and writes each row while it is in
// cache.
void cross_entropy_cpu(const Tensor& logits, const Tensor& targets, const CrossEntropyOptions& options,
                       Tensor& loss, Tensor& dlogits) {
  const std::int64_t rows = logits.size(0), classes = logits.size(1);
  const float* in = logits.data<float>();
  const std::int32_t* target = targets.data<std::int32_t>();
  float* out = dlogits.data<float>();
  const std::int64_t counted = rows - std::count(target, target + rows, options.ignore_index);
  const float inverse_count = counted > 0 ? 1.0f / static_cast<float>(counted) : 0.0f;
  const float smoothing = options.label_smoothing;
  const float background = classes > 0 ? smoothing / static_cast<float>(classes) : 0.0f;
  Tensor scratch = Tensor::zeros({rows}, DType::f64);
  double* row_loss = scratch.data<double>();
  cpu::for_each_row(logits, [=, ignored = options.ignore_index](std::int64_t r) {
    cpu::Row gradient(out + r * classes, classes);
    if (target[r] == ignored) {
      gradient.setZero();
      return;
    }
    const cpu::ConstRow x(in + r * classes, classes);
    const float max = x.maxCoeff();
    gradient = (x - max).exp();
    const double sum = cpu::blocked_sum(gradient), log_sum = std::log(sum);
    row_loss[r] =
        (1.0 - static_cast<double>(smoothing)) * (log_sum - static_cast<double>(x[target[r]] - max));
    if (smoothing > 0) {
      row_loss[r] += static_cast<double>(background) *
                     (static_cast<double>(classes) * log_sum - cpu::blocked_sum(x - max));
    }
    gradient = (gradient * static_cast<float>(1.0 / sum) - background) * inverse_count;
    gradient[target[r]] -= (1.0f - smoothing) * inverse_count;
  });
  double total = 0;
  for (std::int64_t r = 0; r < rows; ++r) total += row_loss[r];
  *loss.data<float>() = counted > 0 ? static_cast<float>(total / static_cast<double>(counted)) : 0.0f;
}

}  // namespace

Variable cross_entropy(const Variable& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  check_arguments(logits.data(), targets, options);
  Tensor loss = Tensor::empty({1}, DType::f32, logits.data().device());
  Tensor dlogits = Tensor::empty_like(logits.data());
  dispatch(
      loss, [&] { cross_entropy_cpu(logits.data(), targets, options, loss, dlogits); },
      [&](auto& device) {
        const std::int64_t rows = dlogits.size(0), classes = dlogits.size(1);
        void* const memory =
            device.workspace("cross_entropy", rows, classes, kernels::cross_entropy_workspace_bytes(rows));
        kernels::cross_entropy(logits.data().data<float>(), targets.data<std::int32_t>(),
                               options.label_smoothing, options.ignore_index, loss.data<float>(),
                               dlogits.data<float>(), memory, rows, classes, device.stream());
      });
  return record("cross_entropy", {logits}, std::move(loss), [dlogits](const Tensor& dy) mutable -> Grads {
    mul(dlogits, dy, dlogits);
    return {dlogits};
  });
}

}  // namespace tern
