#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y = max(x, 0), any shape, f32 or bf16. NaN stays NaN.
Variable relu(const Variable& x);

}  // namespace tern
