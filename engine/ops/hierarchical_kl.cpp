// With a = parent_logits / T over the parents that have children, b = child_logits / T over the children that
// have a parent, C(k) the children of k, e = epsilon:
//
//   p = softmax(a)      s = softmax(b)      Q_k = sum_{i in C(k)} s_i      q = Q / (sum Q + e)
//
//   head_to_implied   KL(p || q) = sum_k p_k (log p_k - log(q_k + e))
//   implied_to_head   KL(q || p) = sum_k (q_k + e) (log(q_k + e) - log p_k)
//
// sum Q is 1, since s is a softmax over just the children that count: the same as dividing by their sum, but
// exact where a child that is left out has nearly all of the probability. Constants added to dL/dQ vanish in
// the softmax's backward, so the derivative of sum Q may be left out:
//
//   head_to_implied   da = p (log p - log(q + e) - KL)           dL/dQ = -p / (q + e) / (1 + e)
//   implied_to_head   da = p sum_k (q_k + e) - (q + e)           dL/dQ = (log(q + e) - log p) / (1 + e)
//   db_i = s_i (dL/dQ_k(i) - sum_k Q_k dL/dQ_k)                  dparent = da / T      dchild = db / T
//
// The mean over rows, times T^2 if asked. A detached side gets a gradient of zeros. Both gradients are
// computed on the way forward and are all that is saved.
#include "engine/ops/hierarchical_kl.h"

#include <string>

#include "engine/backend/dispatch.h"
#include "engine/backend/elementwise.h"
#include "engine/core/check.h"
#include "engine/ops/cpu/hierarchical_kl.h"
#include "kernels/hierarchical_kl.h"

namespace tern {
namespace {

void check_arguments(const Tensor& parent_logits, const Tensor& child_logits, const Tensor& parent_of,
                     const HierarchicalKlOptions& options) {
  check_rank("hierarchical_kl", parent_logits, 2, "parent logits [rows, parents]");
  check_rank("hierarchical_kl", child_logits, 2, "child logits [rows, children]");
  check_dtype("hierarchical_kl", "parent logits", parent_logits, DType::f32);
  check_dtype("hierarchical_kl", "child logits", child_logits, DType::f32);
  check_dtype("hierarchical_kl", "parent_of", parent_of, DType::i32);
  check_shape("hierarchical_kl", "child logits", child_logits, {parent_logits.size(0), child_logits.size(1)});
  check_shape("hierarchical_kl", "parent_of", parent_of, {child_logits.size(1)});
  if (!(options.temperature > 0)) {
    throw Error("hierarchical_kl", "temperature > 0", std::to_string(options.temperature));
  }
  if (!(options.epsilon >= 0)) {
    throw Error("hierarchical_kl", "epsilon >= 0", std::to_string(options.epsilon));
  }
  if (!parent_of.device().is_cpu()) return;  // elsewhere a look would cost a wait for the device
  const std::int32_t* parent = parent_of.data<std::int32_t>();
  for (std::int64_t i = 0; i < parent_of.numel(); ++i) {
    if (parent[i] >= -1 && parent[i] < parent_logits.size(1)) continue;
    throw Error("hierarchical_kl", "parents in -1.." + std::to_string(parent_logits.size(1) - 1),
                std::to_string(parent[i]) + " for child " + std::to_string(i));
  }
}

kernels::HierarchicalKlSettings kernel_settings(const HierarchicalKlOptions& options) {
  kernels::HierarchicalKlSettings settings;
  settings.head_to_implied = options.direction == HierarchicalKlOptions::Direction::head_to_implied;
  settings.detach_head = options.detaches_head();
  settings.detach_implied = options.detaches_implied();
  settings.temperature = options.temperature;
  settings.factor = options.scale_by_temperature_squared ? options.temperature * options.temperature : 1;
  settings.epsilon = options.epsilon;
  return settings;
}

}  // namespace

Variable hierarchical_kl(const Variable& parent_logits, const Variable& child_logits, const Tensor& parent_of,
                         const HierarchicalKlOptions& options) {
  const Tensor &parents = parent_logits.data(), &children = child_logits.data();
  check_arguments(parents, children, parent_of, options);
  Tensor loss = Tensor::empty({1}, DType::f32, parents.device());
  Tensor dparent = Tensor::empty_like(parents), dchild = Tensor::empty_like(children);
  dispatch(
      loss, [&] { cpu::hierarchical_kl(parents, children, parent_of, options, loss, dparent, dchild); },
      [&](auto& device) {
        const std::int64_t rows = parents.size(0);
        void* const memory = device.workspace("hierarchical_kl", rows, children.size(1),
                                              kernels::hierarchical_kl_workspace_bytes(rows));
        kernels::hierarchical_kl(parents.data<float>(), children.data<float>(),
                                 parent_of.data<std::int32_t>(), kernel_settings(options), loss.data<float>(),
                                 dparent.data<float>(), dchild.data<float>(), memory, rows, parents.size(1),
                                 children.size(1), device.stream());
      });
  return record("hierarchical_kl", {parent_logits, child_logits}, std::move(loss),
                [dparent, dchild](const Tensor& dy) mutable -> Grads {
                  mul(dparent, dy, dparent);
                  mul(dchild, dy, dchild);
                  return {dparent, dchild};
                });
}

}  // namespace tern
