// Softmax cross-entropy with label smoothing s, and its gradient, reading each row while it is in cache:
//   loss_r = -(1 - s) log p_t - s / C sum_c log p_c          log p = log_softmax(logits_r), t = targets[r]
//   dlogits = (p - (1 - s) onehot_t - s / C) / n             n: rows whose target is not ignored
// The loss is the mean over those n rows; with n = 0 the loss and the gradient are 0.
#include <algorithm>
#include <cmath>
#include <cstdint>

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/backend/cpu/rows.h"
#include "engine/core/parallel.h"

namespace tern {

void CpuBackend::cross_entropy(const Tensor& logits, const Tensor& targets,
                               const CrossEntropyOptions& options, Tensor& loss, Tensor& dlogits) {
  const std::int64_t rows = logits.size(0), classes = logits.size(1);
  const float* in = logits.data<float>();
  const std::int32_t* target = targets.data<std::int32_t>();
  float* out = dlogits.data<float>();
  const std::int64_t counted = rows - std::count(target, target + rows, options.ignore_index);
  const float inverse_count = counted > 0 ? 1.0f / static_cast<float>(counted) : 0.0f;
  const float smoothing = options.label_smoothing;
  const float background = classes > 0 ? smoothing / static_cast<float>(classes) : 0.0f;
  Tensor scratch = Tensor::empty({rows}, DType::f64);
  double* row_loss = scratch.data<double>();

  parallel_for(rows, cpu::row_grain(classes),
               [=, ignored = options.ignore_index](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t r = begin; r < end; ++r) {
                   cpu::Row gradient(out + r * classes, classes);
                   row_loss[r] = 0;
                   if (target[r] == ignored) {
                     gradient.setZero();
                     continue;
                   }
                   const cpu::ConstRow x(in + r * classes, classes);
                   const float most = x.maxCoeff();
                   gradient = (x - most).exp();
                   const double sum = cpu::blocked_sum(gradient), log_sum = std::log(sum);
                   row_loss[r] = (1.0 - static_cast<double>(smoothing)) *
                                 (log_sum - static_cast<double>(x[target[r]] - most));
                   if (smoothing > 0) {
                     row_loss[r] += static_cast<double>(background) *
                                    (static_cast<double>(classes) * log_sum - cpu::blocked_sum(x - most));
                   }
                   gradient = (gradient * static_cast<float>(1.0 / sum) - background) * inverse_count;
                   gradient[target[r]] -= (1.0f - smoothing) * inverse_count;
                 }
               });
  double total = 0;
  for (std::int64_t r = 0; r < rows; ++r) total += row_loss[r];
  *loss.data<float>() = counted > 0 ? static_cast<float>(total / static_cast<double>(counted)) : 0.0f;
}

}  // namespace tern
