#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y = x w^T + bias. x [rows, in], w [out, in], bias [out] or undefined, y [rows, out].
Variable linear(const Variable& x, const Variable& w, const Variable& bias = {});

}  // namespace tern
