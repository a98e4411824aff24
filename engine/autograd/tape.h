// The way back: sorts the recorded ops, calls each backward once, accumulates gradients. Only the tape
// accumulates, unless an op can add its gradient to the sum so far in the same pass (AddingBackward).
#pragma once

#include <functional>

#include "engine/autograd/variable.h"

namespace tern {

/// Is told of each leaf whose gradient backward() has just completed, while the rest of the pass is still to come.
using LeafReady = std::function<void(const Variable& leaf)>;

/// Adds d(output)/d(leaf) * gradient to the gradient of every leaf that requires one. `gradient` has the
/// output's shape; without it the output must have one element and 1 is used. The history is freed on the
/// way, so that memory falls as the pass goes: a second backward() through the same ops throws Error.
/// `leaf_ready`, where given, is called once for every leaf that the pass reaches, those of the last layers first.
void backward(const Variable& output, const Tensor& gradient, const LeafReady& leaf_ready = {});
void backward(const Variable& output);

}  // namespace tern
