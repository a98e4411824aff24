#pragma once

#include "engine/tensor/tensor.h"

namespace tern::cpu {

/// As cosine_head's, with the inverse norms [rows] and [classes] = 1 / max(norm, 1e-12) that its backward
/// needs.
void cosine_head_forward(const Tensor& x, const Tensor& w, const Tensor& scale, Tensor& y,
                         Tensor& x_inverse_norm, Tensor& w_inverse_norm);
void cosine_head_backward(const Tensor& x, const Tensor& w, const Tensor& scale, const Tensor& y,
                          const Tensor& x_inverse_norm, const Tensor& w_inverse_norm, const Tensor& dy,
                          Tensor& dx, Tensor& dw, Tensor& dscale);

}  // namespace tern::cpu
