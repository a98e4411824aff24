#pragma once

#include "engine/ops/hierarchical_kl.h"

namespace tern::cpu {

/// The loss [1] and its gradients, of the inputs' shapes.
void hierarchical_kl(const Tensor& parent_logits, const Tensor& child_logits, const Tensor& parent_of,
                     const HierarchicalKlOptions& options, Tensor& loss, Tensor& dparent, Tensor& dchild);

}  // namespace tern::cpu
