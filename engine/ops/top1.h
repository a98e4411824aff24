#pragma once

#include "engine/tensor/tensor.h"

namespace tern {

/// logits [rows, classes], classes >= 1. best [rows] i32: the first of the largest, NaN winning; probability
/// [rows]: its softmax value. Each may be null. Records nothing.
void top1(const Tensor& logits, Tensor* best, Tensor* probability);

}  // namespace tern
