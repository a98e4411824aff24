#include "models/losses.h"

#include <algorithm>

#include "engine/core/check.h"
#include "engine/ops/arithmetic.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/hierarchical_kl.h"

namespace tern {

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
    add_term(cross_entropy(inputs.super_logits, inputs.superclasses, options.cross_entropy), 1,
             loss.super_cross_entropy);
  }
  if (has_sub) {
    add_term(cross_entropy(inputs.sub_logits, inputs.subclasses, options.cross_entropy), 1,
             loss.sub_cross_entropy);
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

void mask_logits(Tensor& logits, std::span<const std::uint8_t> trained) {
  check_rank("mask_logits", logits, 2, "[rows, classes]");
  if (!logits.device().is_cpu()) throw Error("mask_logits", "logits on the CPU", logits.device().text());
  const std::int64_t classes = logits.size(1);
  if (static_cast<std::int64_t>(trained.size()) != classes) {
    throw Error("mask_logits", std::to_string(classes) + " flags", std::to_string(trained.size()));
  }
  check(std::any_of(trained.begin(), trained.end(), [](std::uint8_t flag) { return flag != 0; }),
        "mask_logits", "a trained class", "none");
  float* row = logits.data<float>();
  for (std::int64_t r = 0; r < logits.size(0); ++r, row += classes) {
    for (std::int64_t c = 0; c < classes; ++c) {
      if (trained[static_cast<std::size_t>(c)] == 0) row[c] = kMaskedLogit;
    }
  }
}

}  // namespace tern
