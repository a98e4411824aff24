// The same values in another type.
#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y = x as `dtype`, each f32 or bf16 (rounded to nearest); itself if it has that type already. Throws Error
/// for another type, and for bf16 on a device that does not compute in it.
Variable cast(const Variable& x, DType dtype);

}  // namespace tern
