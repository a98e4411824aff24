// One pass over every parameter, gradient and moment, all parameters in one parallel loop.
#include "engine/ops/cpu/optimizer_step.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "engine/core/parallel.h"
#include "engine/tensor/with_type.h"

namespace tern {
namespace {

constexpr std::int64_t kStepGrain = 1 << 14;
constexpr std::int64_t kNormBlock = 1 << 15;  // elements a partial sum of squares covers

std::int64_t total_elements(std::span<OptimizerSlot> slots) {
  std::int64_t total = 0;
  for (const OptimizerSlot& slot : slots) total += slot.parameter.numel();
  return total;
}

// The parameters lie end to end in [0, total); calls body(slot, begin, end) for each piece of [begin, end).
template <typename Body>
void for_each_piece(std::span<OptimizerSlot> slots, std::int64_t begin, std::int64_t end, Body&& body) {
  std::int64_t start = 0;
  for (OptimizerSlot& slot : slots) {
    const std::int64_t size = slot.parameter.numel();
    const std::int64_t from = std::max<std::int64_t>(begin - start, 0), to = std::min(end - start, size);
    if (from < to) body(slot, from, to);
    start += size;
    if (start >= end) return;
  }
}

float scale_of(const Tensor* gradient_scale) {
  return gradient_scale == nullptr ? 1.0f : *gradient_scale->data<float>();
}

template <typename T>
double sum_of_squares(const T* values, std::int64_t begin, std::int64_t end) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = begin; i < end; ++i) {
    const double value = load(values[i]);
    sum += value * value;
  }
  return sum;
}

// What was just written, as bf16 too where that is kept.
void round_piece(OptimizerSlot& slot, std::int64_t begin, std::int64_t end) {
  if (!slot.bf16_copy.defined()) return;
  const float* __restrict p = std::as_const(slot.parameter).data<float>();
  bfloat16* __restrict copy = slot.bf16_copy.data<bfloat16>();
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) store(p[i], copy[i]);
}

// g = scale gradient (+ decay p if coupled); m += (1 - beta1) (g - m); v = beta2 v + (1 - beta2) g^2;
// p -= lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + epsilon), after p -= lr decay p if decoupled.
template <typename T>
void adam_piece(OptimizerSlot& slot, const AdamSettings& settings, float scale, std::int64_t begin,
                std::int64_t end) {
  const double step = static_cast<double>(settings.step);
  const double first_correction = 1 - std::pow(settings.beta1, step);
  const double second_correction = 1 - std::pow(settings.beta2, step);
  const float rate = static_cast<float>(static_cast<double>(slot.learning_rate) / first_correction);
  const float inverse_root = static_cast<float>(1 / std::sqrt(second_correction));
  const float beta1 = static_cast<float>(settings.beta1), beta2 = static_cast<float>(settings.beta2);
  const float rest1 = static_cast<float>(1 - settings.beta1), rest2 = static_cast<float>(1 - settings.beta2);
  const float epsilon = settings.epsilon;
  const float coupled = settings.decoupled_decay ? 0 : slot.weight_decay;
  const float kept = settings.decoupled_decay ? 1 - slot.learning_rate * slot.weight_decay : 1;
  float* __restrict p = slot.parameter.data<float>();
  const T* __restrict gradient = std::as_const(slot.gradient).data<T>();
  float* __restrict m = slot.first_moment.data<float>();
  float* __restrict v = slot.second_moment.data<float>();
  // CMakeLists.txt sets -fno-math-errno, so that sqrt is a vector instruction: four times the speed.
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) {
    const float g = load(gradient[i]) * scale + coupled * p[i];
    m[i] = beta1 * m[i] + rest1 * g;
    v[i] = beta2 * v[i] + rest2 * g * g;
    p[i] = p[i] * kept - rate * m[i] / (std::sqrt(v[i]) * inverse_root + epsilon);
  }
}

template <typename T>
void sgd_piece(OptimizerSlot& slot, const SgdSettings& settings, float scale, std::int64_t begin,
               std::int64_t end) {
  const float rate = slot.learning_rate, decay = slot.weight_decay;
  // On the first step the buffer holds nothing yet, perhaps NaN: it is not read.
  const float momentum = settings.momentum;
  const bool first = settings.first_step, nesterov = settings.nesterov;
  float* __restrict p = slot.parameter.data<float>();
  const T* __restrict gradient = std::as_const(slot.gradient).data<T>();
  if (momentum == 0) {
#pragma omp simd
    for (std::int64_t i = begin; i < end; ++i) p[i] -= rate * (load(gradient[i]) * scale + decay * p[i]);
    return;
  }
  float* __restrict buffer = slot.first_moment.data<float>();
#pragma omp simd
  for (std::int64_t i = begin; i < end; ++i) {
    const float g = load(gradient[i]) * scale + decay * p[i];
    const float b = first ? g : momentum * buffer[i] + g;
    buffer[i] = b;
    p[i] -= rate * (nesterov ? g + momentum * b : b);
  }
}

}  // namespace

void cpu::adam_step(std::span<OptimizerSlot> slots, const AdamSettings& settings,
                    const Tensor* gradient_scale) {
  const float scale = scale_of(gradient_scale);
  parallel_for(total_elements(slots), kStepGrain, [&](std::int64_t begin, std::int64_t end) {
    for_each_piece(slots, begin, end, [&](OptimizerSlot& slot, std::int64_t from, std::int64_t to) {
      with_type(slot.gradient, [&]<typename T>() { adam_piece<T>(slot, settings, scale, from, to); });
      round_piece(slot, from, to);
    });
  });
}

void cpu::sgd_step(std::span<OptimizerSlot> slots, const SgdSettings& settings,
                   const Tensor* gradient_scale) {
  const float scale = scale_of(gradient_scale);
  parallel_for(total_elements(slots), kStepGrain, [&](std::int64_t begin, std::int64_t end) {
    for_each_piece(slots, begin, end, [&](OptimizerSlot& slot, std::int64_t from, std::int64_t to) {
      with_type(slot.gradient, [&]<typename T>() { sgd_piece<T>(slot, settings, scale, from, to); });
      round_piece(slot, from, to);
    });
  });
}

// Squares are summed in double within fixed blocks, so the norm does not depend on the number of threads.
void cpu::clip_scale(std::span<OptimizerSlot> slots, float max_norm, Tensor& norm, Tensor& scale) {
  const std::int64_t total = total_elements(slots);
  const std::int64_t blocks = (total + kNormBlock - 1) / kNormBlock;
  Tensor scratch = Tensor::zeros({blocks}, DType::f64);
  double* partial = scratch.data<double>();
  parallel_for(blocks, 1, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t block = first; block < last; ++block) {
      const std::int64_t begin = block * kNormBlock, end = std::min(total, begin + kNormBlock);
      for_each_piece(slots, begin, end, [&](OptimizerSlot& slot, std::int64_t from, std::int64_t to) {
        with_type(slot.gradient, [&]<typename T>() {
          partial[block] += sum_of_squares(std::as_const(slot.gradient).data<T>(), from, to);
        });
      });
    }
  });
  double sum = 0;
  for (std::int64_t block = 0; block < blocks; ++block) sum += partial[block];
  const float length = static_cast<float>(std::sqrt(sum));
  const float ratio = max_norm / (length + 1e-6f);
  *norm.data<float>() = length;
  *scale.data<float>() = ratio >= 1 ? 1.0f : ratio;  // NaN stays NaN
}

}  // namespace tern
