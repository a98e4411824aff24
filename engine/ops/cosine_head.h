#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y_rc = scale x_r . w_c / (|x_r| |w_c|), with norms of at least 1e-12. x [rows, D], w [classes, D], scale
/// [1], y [rows, classes]. tf32: its products, and those of its gradients, may be TF32 (backend.h,
/// MatmulOptions).
Variable cosine_head(const Variable& x, const Variable& w, const Variable& scale, bool tf32 = false);

}  // namespace tern
