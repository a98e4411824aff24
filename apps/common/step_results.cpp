#include "apps/common/step_results.h"

#include <utility>

namespace tern {

std::optional<StepResult> StepResults::exchange(const Batch& batch, std::vector<Tensor> tensors) {
  std::optional<StepResult> before = take_last();
  readback_.begin(std::move(tensors));
  pending_ = {batch.step, batch.indices, {}};
  return before;
}

std::optional<StepResult> StepResults::take_last() {
  if (!readback_.begun()) return std::nullopt;
  pending_.tensors = readback_.finish();
  return std::exchange(pending_, {});
}

}  // namespace tern
