// Checks an op against its fp64 reference: forward values, and gradients against central differences of the
// reference (not of the engine, whose f32 would drown them in rounding).
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "engine/autograd/variable.h"
#include "tests/reference/reference.h"
#include "tests/support/tensors.h"

namespace tern::test {

struct GradientCheck {
  std::function<Variable(std::span<const Variable>)> op;
  std::function<reference::Array(std::span<const reference::Array>)> reference;
  std::vector<Tensor> inputs;  ///< f32; each is differentiated
  double forward_tolerance = tolerance::kSum;
  double gradient_tolerance = tolerance::kGradient;
  /// Inputs whose gradient the op promises to be zero, whatever the reference's is. Empty: none.
  std::vector<bool> detached = {};
};

/// Runs the op on poisoned memory with a random dy and CHECKs that
/// - values and gradients agree with the reference (at most 40 places per input are probed);
/// - the caller's dy is left as it was, and gradients are the same where backward may reuse dy's memory;
/// - each input's gradient is the same if it is the only one wanted;
/// - without gradients wanted, values are the same.
void check_gradients(const GradientCheck& check);

}  // namespace tern::test
