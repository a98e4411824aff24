#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y = x w^T + bias. x [rows, in], w [out, in], bias [out] or undefined, y [rows, out]. tf32: its products,
/// and those of its gradients, may be TF32 (backend.h, MatmulOptions).
Variable linear(const Variable& x, const Variable& w, const Variable& bias = {}, bool tf32 = false);

}  // namespace tern
