// KL divergence between the superclass head and the distribution implied by the subclass head, with both
// gradients, in one launch. The formulas are in engine/ops/hierarchical_kl.cpp.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// Plain values of engine/backend's HierarchicalKlOptions.
struct HierarchicalKlSettings {
  bool head_to_implied = false;  ///< KL(p || q), else KL(q || p)
  bool detach_head = false, detach_implied = false;
  float temperature = 1;
  float factor = 1;  ///< T^2 or 1: multiplies loss and gradients
  float epsilon = 1e-8f;
};

std::size_t hierarchical_kl_workspace_bytes(
    std::int64_t rows);  ///< as cross_entropy's: zeroed once by the caller

/// super_logits, dsuper [rows, supers]; sub_logits, dsub [rows, subs]; sub_to_super [subs] in -1..supers-1
/// (-1, or anything else: left out); loss [1]: factor * mean over rows, summed in a fixed order; 0 for no
/// rows. T is float or bfloat16, the arithmetic f32. A superclass that no subclass maps to is left out, too,
/// and what is left out has a gradient of 0. No output may be an input. Throws Error unless supers <= 1024
/// and subs <= 65535.
template <typename T>
void hierarchical_kl(const T* super_logits, const T* sub_logits, const std::int32_t* sub_to_super,
                     const HierarchicalKlSettings& settings, float* loss, T* dsuper, T* dsub, void* workspace,
                     std::int64_t rows, std::int64_t supers, std::int64_t subs, Stream stream);

}  // namespace tern::kernels
