// The way back: sorts the recorded ops, calls each backward once, accumulates gradients. Only the tape
// accumulates, unless an op can add its gradient to the sum so far in the same pass (AddingBackward).
#pragma once

#include "engine/autograd/variable.h"

namespace tern {

/// Adds d(output)/d(leaf) * gradient to the gradient of every leaf that requires one. `gradient` has the
/// output's shape; without it the output must have one element and 1 is used. The history is freed on the
/// way, so that memory falls as the pass goes: a second backward() through the same ops throws Error.
void backward(const Variable& output, const Tensor& gradient);
void backward(const Variable& output);

}  // namespace tern
