#pragma once

#include "engine/core/random.h"

namespace tern {

/// A number in [0, 1] with the distribution Beta(alpha, alpha), by the numbers that come next in `random`; any alpha
/// above 0.
double draw_beta(double alpha, RandomStream& random);

}  // namespace tern
