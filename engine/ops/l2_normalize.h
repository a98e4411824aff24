#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y = x / max(|x|, epsilon) along the rows of x [rows, columns]; epsilon > 0.
Variable l2_normalize(const Variable& x, float epsilon = 1e-12f);

}  // namespace tern
