#pragma once

#include "engine/autograd/variable.h"
#include "engine/backend/backend.h"

namespace tern {

/// The mean over the rows that count of -sum_c target_c log softmax(logits)_c, with target = (1 - s) one-hot
/// + s / classes; 0 if no row counts. logits [rows, classes], targets [rows] i32, result [1]. Throws Error if
/// a target (on the CPU) is neither a class nor options.ignore_index.
Variable cross_entropy(const Variable& logits, const Tensor& targets,
                       const CrossEntropyOptions& options = {});

}  // namespace tern
