// Adam, AdamW and SGD: one launch for every parameter of a model. The formulas are the CPU's
// (engine/ops/cpu/optimizer_step.cpp).
//
// The caller divides its parameters into chunks of kOptimizerChunk elements and keeps the table of slots on
// the device. Numbers that change from step to step are in the slots, too, so that the launch itself never
// changes and can be captured in a graph.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/common/bfloat16.h"
#include "kernels/common/stream.h"

namespace tern::kernels {

/// Elements per block: few enough that a ResNet makes several short blocks for each multiprocessor.
inline constexpr std::int64_t kOptimizerChunk = 1 << 12;

/// One parameter. The gradient is f32 or bfloat16; bf16_copy, if not null, receives the new parameter too.
struct OptimizerSlotView {
  float* parameter;
  const void* gradient;
  float* first_moment;   ///< Adam: m. SGD: the momentum buffer, or null without momentum
  float* second_moment;  ///< Adam: v
  bfloat16* bf16_copy;
  std::int64_t elements;
  std::int64_t first_chunk;  ///< sum of ceil(elements / kOptimizerChunk) of the slots before
  bool half_gradient;
  float rate;           ///< Adam: learning rate / (1 - beta1^t). SGD: the learning rate
  float inverse_root;   ///< Adam: 1 / sqrt(1 - beta2^t)
  float coupled_decay;  ///< g += coupled_decay * p
  float kept;           ///< Adam: p *= kept before the update: 1 - lr * decay for AdamW, else 1
};

struct AdamConstants {
  float beta1, rest1, beta2, rest2, epsilon;  ///< rest = 1 - beta, taken in double
};
struct SgdConstants {
  float momentum;
  bool nesterov, first_step;  ///< first_step: the buffer is set to the gradient, and not read
};

/// slots: device memory, `count` of them with `chunks` chunks in all; gradient_scale (device, or null)
/// multiplies the gradients. 16 bytes at a time for slots whose f32 arrays begin on 16 bytes and bfloat16
/// arrays on 8.
void adam_step(const OptimizerSlotView* slots, int count, std::int64_t chunks, const AdamConstants& constants,
               const float* gradient_scale, Stream stream);
void sgd_step(const OptimizerSlotView* slots, int count, std::int64_t chunks, const SgdConstants& constants,
              const float* gradient_scale, Stream stream);

std::size_t clip_workspace_bytes(std::int64_t chunks);  ///< as in cross_entropy.h, aligned to 16
/// norm[0] = sqrt(sum of squares of all gradients), summed in a fixed order; scale[0] = min(1, max_norm /
/// (norm + 1e-6)), NaN if the norm is. One launch.
void clip_scale(const OptimizerSlotView* slots, int count, std::int64_t chunks, float max_norm, float* norm,
                float* scale, void* workspace, Stream stream);

}  // namespace tern::kernels
