#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// The same elements under another shape of the same size; nothing is copied.
Variable reshape(const Variable& x, const Shape& shape);

}  // namespace tern
