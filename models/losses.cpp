#include "models/losses.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/hierarchical_kl.h"
#include "engine/ops/softmax.h"

namespace tern {
namespace {

Variable class_loss(const Variable& logits, const Tensor& targets, const StudyLossOptions& options) {
  const bool is_distribution = targets.dtype() == DType::f32;
  return is_distribution ? soft_cross_entropy(logits, targets)
                         : cross_entropy(logits, targets, options.cross_entropy);
}

}  // namespace

StudyLoss study_loss(const StudyLossInputs& inputs, const StudyLossOptions& options) {
  const bool has_super = inputs.super_logits.defined(), has_sub = inputs.sub_logits.defined();
  check(has_super || has_sub, "study_loss", "the logits of one level at least", "none");
  check(!has_super || inputs.superclasses.defined(), "study_loss", "targets for the superclasses", "none");
  check(!has_sub || inputs.subclasses.defined(), "study_loss", "targets for the subclasses", "none");
  const bool has_kl = has_super && has_sub && options.kl_weight != 0;
  const bool has_consistency =
      has_sub && inputs.teacher_super_logits.defined() && options.consistency_weight != 0;
  check(!(has_kl || has_consistency) || options.sub_to_super.defined(), "study_loss",
        "the superclass of each subclass", "none");

  StudyLoss loss;
  const auto add_term = [&](const Variable& term, float weight, Tensor& value) {
    value = term.data();
    const Variable weighted = weight == 1 ? term : weight * term;
    loss.total = loss.total.defined() ? loss.total + weighted : weighted;
  };
  if (has_super) {
    add_term(class_loss(inputs.super_logits, inputs.superclasses, options), 1, loss.super_cross_entropy);
  }
  if (has_sub) {
    add_term(class_loss(inputs.sub_logits, inputs.subclasses, options), 1, loss.sub_cross_entropy);
  }
  if (has_kl) {
    add_term(hierarchical_kl(inputs.super_logits, inputs.sub_logits, options.sub_to_super, options.kl),
             options.kl_weight, loss.kl);
  }
  if (has_consistency) {
    // KL(teacher || implied); the teacher is a constant.
    HierarchicalKlOptions kl = options.kl;
    kl.direction = HierarchicalKlOptions::Direction::head_to_implied;
    kl.detach = HierarchicalKlOptions::Detach::head;
    add_term(
        hierarchical_kl(Variable(inputs.teacher_super_logits), inputs.sub_logits, options.sub_to_super, kl),
        options.consistency_weight, loss.consistency);
  }
  return loss;
}

Variable soft_cross_entropy(const Variable& logits, const Tensor& targets) {
  check_rank("soft_cross_entropy", logits.data(), 2, "logits [rows, classes]");
  check_same_shape("soft_cross_entropy", logits.data(), targets);
  const auto rows = static_cast<float>(std::max<std::int64_t>(targets.size(0), 1));
  return affine(sum(Variable(targets) * log_softmax(logits)), -1 / rows, 0);
}

Tensor logit_mask(std::span<const std::uint8_t> trained) {
  check(std::any_of(trained.begin(), trained.end(), [](std::uint8_t flag) { return flag != 0; }),
        "logit_mask", "a trained class", "none");
  Tensor mask = Tensor::zeros({static_cast<std::int64_t>(trained.size())});
  for (std::size_t c = 0; c < trained.size(); ++c) {
    if (trained[c] == 0) mask.data<float>()[c] = kMaskedLogit;
  }
  return mask;
}

}  // namespace tern
