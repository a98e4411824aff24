#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y = x Phi(x), Phi being the standard normal distribution; any shape, f32 or bf16. NaN stays NaN. Hendrycks
/// and Gimpel, "Gaussian Error Linear Units" (2016); the exact form, as PyTorch's default.
Variable gelu(const Variable& x);

}  // namespace tern
