// With a = super / T over the superclasses that some subclass maps to, b = sub / T over the subclasses that
// map somewhere, S(k) the subclasses of k, e = epsilon:
//
//   p = softmax(a)      s = softmax(b)      Q_k = sum_{i in S(k)} s_i      q = Q / (sum Q + e)
//
//   head_to_implied   KL(p || q) = sum_k p_k (log p_k - log(q_k + e))             (notebook, first version)
//   implied_to_head   KL(q || p) = sum_k (q_k + e) (log(q_k + e) - log p_k)       (notebook, second version)
//
// sum Q is 1, since s is a softmax over just the subclasses that count: the same as dividing by their sum,
// but exact where a left-out subclass has nearly all of the probability. Constants added to dL/dQ vanish in
// the softmax's backward, so the derivative of sum Q may be left out:
//
//   head_to_implied   da = p (log p - log(q + e) - KL)           dL/dQ = -p / (q + e) / (1 + e)
//   implied_to_head   da = p sum_k (q_k + e) - (q + e)           dL/dQ = (log(q + e) - log p) / (1 + e)
//   db_i = s_i (dL/dQ_k(i) - sum_k Q_k dL/dQ_k)                  dsuper = da / T      dsub = db / T
//
// The mean over rows, times T^2 if asked. A detached side gets a gradient of zeros. Both gradients are
// computed on the way forward and are all that is saved.
#include "engine/ops/hierarchical_kl.h"

#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

void check_arguments(const Tensor& super_logits, const Tensor& sub_logits, const Tensor& sub_to_super,
                     const HierarchicalKlOptions& options) {
  check_rank("hierarchical_kl", super_logits, 2, "superclass logits [rows, supers]");
  check_rank("hierarchical_kl", sub_logits, 2, "subclass logits [rows, subs]");
  check_dtype("hierarchical_kl", "superclass logits", super_logits, DType::f32);
  check_dtype("hierarchical_kl", "subclass logits", sub_logits, DType::f32);
  check_dtype("hierarchical_kl", "sub_to_super", sub_to_super, DType::i32);
  check_shape("hierarchical_kl", "subclass logits", sub_logits, {super_logits.size(0), sub_logits.size(1)});
  check_shape("hierarchical_kl", "sub_to_super", sub_to_super, {sub_logits.size(1)});
  if (!(options.temperature > 0)) {
    throw Error("hierarchical_kl", "temperature > 0", std::to_string(options.temperature));
  }
  if (!(options.epsilon >= 0)) {
    throw Error("hierarchical_kl", "epsilon >= 0", std::to_string(options.epsilon));
  }
  if (!sub_to_super.device().is_cpu()) return;  // elsewhere a look would cost a wait for the device
  const std::int32_t* super = sub_to_super.data<std::int32_t>();
  for (std::int64_t i = 0; i < sub_to_super.numel(); ++i) {
    if (super[i] >= -1 && super[i] < super_logits.size(1)) continue;
    throw Error("hierarchical_kl", "superclasses in -1.." + std::to_string(super_logits.size(1) - 1),
                std::to_string(super[i]) + " for subclass " + std::to_string(i));
  }
}

}  // namespace

Variable hierarchical_kl(const Variable& super_logits, const Variable& sub_logits, const Tensor& sub_to_super,
                         const HierarchicalKlOptions& options) {
  check_arguments(super_logits.data(), sub_logits.data(), sub_to_super, options);
  Tensor loss = Tensor::empty({1}, DType::f32, super_logits.data().device());
  Tensor dsuper = Tensor::empty_like(super_logits.data()), dsub = Tensor::empty_like(sub_logits.data());
  backend_of(loss).hierarchical_kl(super_logits.data(), sub_logits.data(), sub_to_super, options, loss,
                                   dsuper, dsub);
  return record("hierarchical_kl", {super_logits, sub_logits}, std::move(loss),
                [dsuper, dsub](const Tensor& dy) mutable -> Grads {
                  backend_of(dy).multiply(dsuper, 1, dy, dsuper);
                  backend_of(dy).multiply(dsub, 1, dy, dsub);
                  return {dsuper, dsub};
                });
}

}  // namespace tern
