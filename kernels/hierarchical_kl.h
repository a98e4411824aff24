// KL divergence between the distribution of a parent head and that which a child head implies for the
// parents, with both gradients, in one launch. The formulas are in engine/ops/hierarchical_kl.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// The options of engine/ops/hierarchical_kl.h as plain values.
struct HierarchicalKlSettings {
  bool head_to_implied = false;  ///< KL(p || q), else KL(q || p)
  bool detach_head = false, detach_implied = false;
  float temperature = 1;
  float factor = 1;  ///< T^2 or 1: multiplies loss and gradients
  float epsilon = 1e-8f;
};

/// As cross_entropy's workspace: zeroed once by the caller.
std::size_t hierarchical_kl_workspace_bytes(std::int64_t rows);

/// parent_logits, dparent [rows, parents]; child_logits, dchild [rows, children]; child_to_parent [children],
/// where anything outside 0..parents-1, such as -1, leaves the child out; loss [1]: factor * mean over rows,
/// summed in a fixed order; 0 without rows. T is float or bfloat16, the arithmetic f32. A parent without
/// children is left out, too, and what is left out has a gradient of 0. No output may be an input. Throws
/// Error unless parents <= 1024 and children <= 65535.
template <typename T>
void hierarchical_kl(const T* parent_logits, const T* child_logits, const std::int32_t* child_to_parent,
                     const HierarchicalKlSettings& settings, float* loss, T* dparent, T* dchild,
                     void* workspace, std::int64_t rows, std::int64_t parents, std::int64_t children,
                     Stream stream);

}  // namespace tern::kernels
