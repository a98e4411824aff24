// The largest logit of each row and its softmax probability, 1 / sum_j exp(x_j - max).
#include "engine/ops/top1.h"

#include <cmath>

#include "engine/backend/dispatch.h"
#include "engine/ops/cpu/rows.h"
#include "kernels/top1.h"

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

void top1_cpu(const Tensor& logits, Tensor* best, Tensor* probability) {
  const std::int64_t columns = logits.size(1);
  const float* in = logits.data<float>();
  std::int32_t* classes = data_or_null<std::int32_t>(best);
  float* probabilities = data_or_null<float>(probability);
  cpu::for_each_row(logits, [=](std::int64_t r) {
    const float* row = in + r * columns;
    const std::int64_t place = place_of_largest(row, columns);
    if (classes != nullptr) classes[r] = static_cast<std::int32_t>(place);
    if (probabilities == nullptr) return;
    const double sum = cpu::blocked_sum((cpu::ConstRow(row, columns) - row[place]).exp());
    probabilities[r] = static_cast<float>(1 / sum);
  });
}

}  // namespace

void top1(const Tensor& logits, Tensor* best, Tensor* probability) {
  dispatch(
      logits, [&] { top1_cpu(logits, best, probability); },
      [&](auto& device) {
        kernels::top1(logits.data<float>(), 0.0f, 0, data_or_null<std::int32_t>(best),
                      data_or_null<float>(probability), /*answer=*/nullptr, logits.size(0), logits.size(1),
                      device.stream());
      });
}

}  // namespace tern
