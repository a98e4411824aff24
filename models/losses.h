// The study's training loss, each term a mean over the batch:
//
//   loss = CE(super) + CE(sub) + kl_weight KL(super head, superclasses implied by the subclass head)
//        + consistency_weight KL(teacher || implied)
//
// A term takes part where its logits are given: two heads (approach A), or one (B and C), with or without the
// logits of an already trained superclass model, the teacher.
#pragma once

#include <cstdint>
#include <span>

#include "engine/autograd/variable.h"
#include "engine/ops/cross_entropy.h"
#include "engine/ops/hierarchical_kl.h"

namespace tern {

struct StudyLossOptions {
  CrossEntropyOptions cross_entropy;  ///< for targets that are classes; distributions are taken as they are
  HierarchicalKlOptions kl;           ///< also the epsilon and temperature of the consistency term
  float kl_weight = 0.1f;             ///< alpha; 0 leaves the term out
  float consistency_weight = 0.2f;
  /// [subclasses] i32: the superclass of each subclass, -1 for one that is left out of the sum. For the KL
  /// and consistency terms; undefined where neither is used.
  Tensor sub_to_super;
};

/// What the loss is made of. Undefined logits leave their terms out.
struct StudyLossInputs {
  Variable super_logits, sub_logits;  ///< [N, superclasses], [N, subclasses]
  /// For the logits given: classes [N] i32, or distributions over them, [N, superclasses], [N, subclasses] f32.
  Tensor superclasses, subclasses;
  Tensor teacher_super_logits;  ///< [N, superclasses], or undefined
};

/// Every term is one element on the device, undefined where left out; total carries the history.
struct StudyLoss {
  Variable total;
  Tensor super_cross_entropy, sub_cross_entropy, kl, consistency;
};

/// Throws Error if there are no logits at all, if targets are missing, or if a term that is asked for lacks
/// sub_to_super.
StudyLoss study_loss(const StudyLossInputs& inputs, const StudyLossOptions& options);

/// -sum_c t_rc log softmax(logits)_rc, the mean over rows, for targets t [rows, classes] f32. A row of targets that
/// adds up to another number than 1 has that weight. Throws Error for other shapes.
Variable soft_cross_entropy(const Variable& logits, const Tensor& targets);

/// The logit of a class that was never trained: its probability is exactly 0, and 0 * logit still a number.
inline constexpr float kMaskedLogit = -1e9f;

/// What masks classes where it is added to logits: [classes] f32 on the CPU, kMaskedLogit where trained[c] == 0 and 0
/// elsewhere. Masked columns get a gradient of 0. Throws Error if nothing was trained.
Tensor logit_mask(std::span<const std::uint8_t> trained);

}  // namespace tern
