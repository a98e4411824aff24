#pragma once

#include "engine/autograd/variable.h"
#include "engine/backend/backend.h"

namespace tern {

/// y[n,p,q,c] = the largest x in the window at (p, q); padding counts as minus infinity. x [N,H,W,C] f32 or
/// bf16, y of its type.
/// Throws Error unless 1 <= kernel <= 15, 0 <= padding <= kernel / 2, stride >= 1, and the output is not
/// empty.
Variable max_pool(const Variable& x, Window window);

}  // namespace tern
