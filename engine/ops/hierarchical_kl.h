#pragma once

#include "engine/autograd/variable.h"
#include "engine/backend/backend.h"

namespace tern {

/// The mean over rows of the KL divergence between a superclass head, p = softmax(super / T), and the
/// distribution that a subclass head implies, q_k = sum of softmax(sub / T) over the subclasses of k.
/// super_logits [rows, supers], sub_logits [rows, subs], sub_to_super [subs] i32, result [1].
///
/// A subclass mapped to -1 is left out of q, and a superclass that no subclass maps to is left out of both p
/// and q; what remains sums to 1 again. The reference's setting maps every subclass, the novel one to the
/// novel superclass, so that nothing is left out.
///
/// The teacher consistency term is the same loss with the teacher's logits as super_logits, direction
/// head_to_implied and the head detached.
///
/// Throws Error on shapes that do not fit, on a superclass (on the CPU) outside -1..supers-1, and unless
/// temperature > 0 and epsilon >= 0.
Variable hierarchical_kl(const Variable& super_logits, const Variable& sub_logits, const Tensor& sub_to_super,
                         const HierarchicalKlOptions& options = {});

}  // namespace tern
