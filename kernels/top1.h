// The class that each row of logits answers: the largest, with its softmax probability, or "novel" if that is
// below a threshold. One launch.
#pragma once

#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// logits [rows, cols], cols >= 1. best[r]: the first of the largest (a NaN wins); probability[r] =
/// softmax(logits_r) at best[r], in f32; answer[r] = novel if !(probability[r] >= threshold), else best[r].
/// Each output may be null.
template <typename T>
void top1(const T* logits, float threshold, std::int32_t novel, std::int32_t* best, float* probability,
          std::int32_t* answer, std::int64_t rows, std::int64_t cols, Stream stream);

}  // namespace tern::kernels
