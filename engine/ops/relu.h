#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y = max(x, 0), any shape, f32 or bf16. NaN stays NaN.
Variable relu(const Variable& x);

/// The same without a record. y may be x.
void relu_forward(const Tensor& x, Tensor& y);
/// dx = 0 where y <= 0, else dy. dx may be y or dy.
void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx);

}  // namespace tern
