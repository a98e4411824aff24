// What the steps of an epoch (or of a scoring) found, looked at one step late: by then the device has the
// next step to do, and need not wait for the host.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "apps/common/step_outputs.h"
#include "data/loader.h"
#include "engine/tensor/readback.h"

namespace tern {

struct StepResult {
  std::int64_t step = 0;             ///< in its epoch, from 0
  std::vector<std::int64_t> images;  ///< of the batch, in the dataset
  float share = 1;                   ///< Batch::share
  StepOutputs outputs;               ///< on the host
};

class StepResults {
 public:
  explicit StepResults(Device device) : readback_(device) {}

  /// Asks for what a step found, and gives what the step before did, if there was one.
  std::optional<StepResult> exchange(const Batch& batch, StepOutputs outputs);
  /// What the last step found; none if exchange() was not called since.
  std::optional<StepResult> take_last();

 private:
  TensorReadback readback_;
  StepResult pending_;  ///< with its outputs on the device
};

}  // namespace tern
