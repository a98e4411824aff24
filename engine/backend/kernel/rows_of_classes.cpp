// Rows of classes: softmax, L2 normalisation, the most probable class, and the losses.
#include "engine/backend/kernel/kernel_backend.h"
#include "engine/backend/kernel/with_type.h"
#include "kernels/cross_entropy.h"
#include "kernels/hierarchical_kl.h"
#include "kernels/l2_normalize.h"
#include "kernels/softmax.h"
#include "kernels/top1.h"

namespace tern {

void KernelBackend::softmax_forward(const Tensor& x, Tensor& y) {
  kernels::softmax_forward(x.data<float>(), y.data<float>(), x.size(0), x.size(1), stream());
}

void KernelBackend::softmax_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  kernels::softmax_backward(y.data<float>(), dy.data<float>(), dx.data<float>(), y.size(0), y.size(1),
                            stream());
}

void KernelBackend::log_softmax_forward(const Tensor& x, Tensor& y) {
  kernels::log_softmax_forward(x.data<float>(), y.data<float>(), x.size(0), x.size(1), stream());
}

void KernelBackend::log_softmax_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  kernels::log_softmax_backward(y.data<float>(), dy.data<float>(), dx.data<float>(), y.size(0), y.size(1),
                                stream());
}

void KernelBackend::l2_normalize_forward(const Tensor& x, float epsilon, Tensor& y, Tensor& inverse_norm) {
  kernels::l2_normalize_forward(x.data<float>(), epsilon, y.data<float>(), inverse_norm.data<float>(),
                                x.size(0), x.size(1), stream());
}

void KernelBackend::l2_normalize_backward(const Tensor& y, const Tensor& inverse_norm, const Tensor& dy,
                                          Tensor& dx) {
  kernels::l2_normalize_backward(y.data<float>(), inverse_norm.data<float>(), dy.data<float>(),
                                 dx.data<float>(), y.size(0), y.size(1), stream());
}

void KernelBackend::top1(const Tensor& logits, Tensor* best, Tensor* probability) {
  kernels::top1(logits.data<float>(), 0.0f, 0, data_or_null<std::int32_t>(best),
                data_or_null<float>(probability), /*answer=*/nullptr, logits.size(0), logits.size(1),
                stream());
}

void KernelBackend::cross_entropy(const Tensor& logits, const Tensor& targets,
                                  const CrossEntropyOptions& options, Tensor& loss, Tensor& dlogits) {
  const std::int64_t rows = logits.size(0);
  void* const memory =
      workspace("cross_entropy", rows, logits.size(1), kernels::cross_entropy_workspace_bytes(rows));
  kernels::cross_entropy(logits.data<float>(), targets.data<std::int32_t>(), options.label_smoothing,
                         options.ignore_index, loss.data<float>(), dlogits.data<float>(), memory, rows,
                         logits.size(1), stream());
}

void KernelBackend::hierarchical_kl(const Tensor& super_logits, const Tensor& sub_logits,
                                    const Tensor& sub_to_super, const HierarchicalKlOptions& options,
                                    Tensor& loss, Tensor& dsuper, Tensor& dsub) {
  using Direction = HierarchicalKlOptions::Direction;
  kernels::HierarchicalKlSettings settings;
  settings.head_to_implied = options.direction == Direction::head_to_implied;
  settings.detach_head = options.detaches_head();
  settings.detach_implied = options.detaches_implied();
  settings.temperature = options.temperature;
  settings.factor = options.scale_by_temperature_squared ? options.temperature * options.temperature : 1;
  settings.epsilon = options.epsilon;
  const std::int64_t rows = super_logits.size(0);
  void* const memory =
      workspace("hierarchical_kl", rows, sub_logits.size(1), kernels::hierarchical_kl_workspace_bytes(rows));
  kernels::hierarchical_kl(super_logits.data<float>(), sub_logits.data<float>(),
                           sub_to_super.data<std::int32_t>(), settings, loss.data<float>(),
                           dsuper.data<float>(), dsub.data<float>(), memory, rows, super_logits.size(1),
                           sub_logits.size(1), stream());
}

}  // namespace tern
