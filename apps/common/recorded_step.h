// A step of training or inference that a device records once and replays: hundreds of launches become one.
// The first full batch is worked on as usual, the second is recorded, and the others are replayed; a batch
// that is not full (an epoch's last) is worked on as usual, and so is everything on a device that cannot
// record, and everything after an attempt that failed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "apps/common/step_outputs.h"
#include "data/loader.h"
#include "engine/autograd/variable.h"
#include "engine/backend/backend.h"

namespace tern {

class RecordedStep {
 public:
  /// Maps a batch, which is on the device, to outputs there. Touches nothing of the host's but the tensors'
  /// handles, and does the same at every call.
  using Work = std::function<StepOutputs(const Batch&)>;

  /// name: for people, "training step". batch_size: of a full batch. leaves: the variables that the work
  /// leaves gradients in. Without `may_record` nothing is ever recorded.
  RecordedStep(std::string name, Device device, std::int64_t batch_size, Work work,
               std::vector<Variable> leaves = {}, bool may_record = true);

  /// What the work gives for this batch, with the gradients in the leaves; of a replay, valid until the next
  /// call.
  StepOutputs operator()(const Batch& batch);
  bool is_recorded() const { return recorded_ != nullptr; }

 private:
  void record(const Batch& batch);

  std::string name_;
  Device device_;
  std::int64_t batch_size_;
  Work work_;
  std::vector<Variable> leaves_;
  bool may_record_;
  bool is_warm_ = false;
  Batch input_;                    ///< where a replay reads
  StepOutputs outputs_;            ///< where a replay writes
  std::vector<Tensor> gradients_;  ///< the same, of each leaf
  std::unique_ptr<CapturedWork> recorded_;
};

}  // namespace tern
