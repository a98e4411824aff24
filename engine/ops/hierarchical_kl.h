#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// KL divergence between the probabilities p of the parents' head and those that the children's head implies
/// for them, q.
struct HierarchicalKlOptions {
  enum class Direction { implied_to_head, head_to_implied };  ///< KL(q || p), KL(p || q)
  enum class Detach { none, head, implied, both };            ///< the side that gets no gradient
  Direction direction = Direction::implied_to_head;
  Detach detach = Detach::none;
  float temperature = 1;
  bool scale_by_temperature_squared = true;  ///< multiply by T^2, so that gradients keep their size
  float epsilon = 1e-8f;                     ///< added to the sum that renormalises q, and to each q_k

  bool detaches_head() const { return detach == Detach::head || detach == Detach::both; }
  bool detaches_implied() const { return detach == Detach::implied || detach == Detach::both; }
};

/// For classes in two levels, each child class in one parent class: the mean over rows of the KL divergence
/// between the head of the parents, p = softmax(parent_logits / T), and the distribution that the head of the
/// children implies, q_k = sum of softmax(child_logits / T) over the children of k. parent_logits [rows,
/// parents], child_logits [rows, children], parent_of [children] i32, result [1].
///
/// A child whose parent is -1 is left out of q, and a parent without children is left out of both p and q;
/// what remains sums to 1 again.
///
/// A teacher's probabilities for the parents are taken as a target with its logits as parent_logits,
/// direction head_to_implied and the head detached.
///
/// Throws Error on shapes that do not fit, on a parent (on the CPU) outside -1..parents-1, and unless
/// temperature > 0 and epsilon >= 0.
Variable hierarchical_kl(const Variable& parent_logits, const Variable& child_logits, const Tensor& parent_of,
                         const HierarchicalKlOptions& options = {});

}  // namespace tern
