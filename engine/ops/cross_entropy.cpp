// loss = mean_r -sum_c target_rc log p_rc      dlogits = (p - target) / rows      p = softmax(logits)
// target = (1 - s) one-hot + s / classes; ignored rows leave the mean and get no gradient.
// logits [rows, classes], targets [rows] i32, loss [1]. The gradient is computed on the way forward, where
// the probabilities are at hand, and is all that is saved.
#include "engine/ops/cross_entropy.h"

#include <string>

#include "engine/core/check.h"

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

}  // namespace

Variable cross_entropy(const Variable& logits, const Tensor& targets, const CrossEntropyOptions& options) {
  check_arguments(logits.data(), targets, options);
  Tensor loss = Tensor::empty({1}, DType::f32, logits.data().device());
  Tensor dlogits = Tensor::empty_like(logits.data());
  backend_of(loss).cross_entropy(logits.data(), targets, options, loss, dlogits);
  return record("cross_entropy", {logits}, std::move(loss), [dlogits](const Tensor& dy) mutable -> Grads {
    backend_of(dy).multiply(dlogits, 1, dy, dlogits);
    return {dlogits};
  });
}

}  // namespace tern
