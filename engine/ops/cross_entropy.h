#pragma once

#include <cstdint>

#include "engine/autograd/variable.h"

namespace tern {

struct CrossEntropyOptions {
  float label_smoothing = 0;       ///< in [0, 1): target = (1 - s) one-hot + s / classes
  std::int32_t ignore_index = -1;  ///< rows with this target count for nothing
};

/// The mean over the rows that count of -sum_c target_c log softmax(logits)_c, with target = (1 - s) one-hot
/// + s / classes; 0 if no row counts. logits [rows, classes], targets [rows] i32, result [1]. Throws Error if
/// a target (on the CPU) is neither a class nor options.ignore_index.
Variable cross_entropy(const Variable& logits, const Tensor& targets,
                       const CrossEntropyOptions& options = {});

}  // namespace tern
