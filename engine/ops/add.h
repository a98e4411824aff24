// Sums of values.
#pragma once

#include <span>

#include "engine/autograd/variable.h"

namespace tern {

/// y = a + b, of equal shapes and types, f32 or bf16.
Variable add(const Variable& a, const Variable& b);

/// y = sum_i weights[i] * terms[i], all terms of one shape; a training loss from its parts. Throws Error
/// without terms or with another number of weights.
Variable weighted_sum(std::span<const Variable> terms, std::span<const float> weights);

}  // namespace tern
