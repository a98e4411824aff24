// The largest logit of each row and its softmax probability, 1 / sum_j exp(x_j - max).
#include <cmath>

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/backend/cpu/rows.h"
#include "engine/core/parallel.h"

namespace tern {
namespace {

/// The first of the largest; the first NaN where there is one.
std::int64_t place_of_largest(const float* row, std::int64_t columns) {
  std::int64_t best = 0;
  for (std::int64_t c = 0; c < columns; ++c) {
    if (std::isnan(row[c])) return c;
    if (row[c] > row[best]) best = c;
  }
  return best;
}

}  // namespace

void CpuBackend::top1(const Tensor& logits, Tensor* best, Tensor* probability) {
  const std::int64_t columns = logits.size(1);
  const float* in = logits.data<float>();
  std::int32_t* classes = best != nullptr ? best->data<std::int32_t>() : nullptr;
  float* probabilities = probability != nullptr ? probability->data<float>() : nullptr;
  parallel_for(logits.size(0), cpu::row_grain(columns), [=](std::int64_t begin, std::int64_t end) {
    for (std::int64_t r = begin; r < end; ++r) {
      const float* row = in + r * columns;
      const std::int64_t place = place_of_largest(row, columns);
      if (classes != nullptr) classes[r] = static_cast<std::int32_t>(place);
      if (probabilities == nullptr) continue;
      const double sum = cpu::blocked_sum((cpu::ConstRow(row, columns) - row[place]).exp());
      probabilities[r] = static_cast<float>(1 / sum);
    }
  });
}

}  // namespace tern
