#include "apps/common/step_results.h"

#include <utility>

namespace tern {

std::optional<StepResult> StepResults::exchange(const Batch& batch, StepOutputs outputs) {
  std::optional<StepResult> before = take_last();
  pending_ = {batch.step, batch.indices, batch.share, std::move(outputs)};
  std::vector<Tensor> on_device;
  for (const Tensor* tensor : pending_.outputs.tensors()) on_device.push_back(*tensor);
  readback_.begin(std::move(on_device));
  return before;
}

std::optional<StepResult> StepResults::take_last() {
  if (!readback_.begun()) return std::nullopt;
  std::vector<Tensor> on_host = readback_.finish();
  const std::vector<Tensor*> places = pending_.outputs.tensors();
  for (std::size_t i = 0; i < places.size(); ++i) *places[i] = std::move(on_host[i]);
  return std::exchange(pending_, {});
}

}  // namespace tern
