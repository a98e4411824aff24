#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// y[n,c] = mean over h, w of x[n,h,w,c]. x [N,H,W,C] f32 or bf16, H, W >= 1; y [N,C] f32.
Variable global_average_pool(const Variable& x);

}  // namespace tern
