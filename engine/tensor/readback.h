// Tensors on their way to the host while the device goes on working: a training reads what a step found when
// the next one has been issued, so that the device never waits for the host to look.
#pragma once

#include <memory>
#include <vector>

#include "engine/device/device_memory.h"
#include "engine/tensor/tensor.h"

namespace tern {

class TensorReadback {
 public:
  explicit TensorReadback(Device device);

  /// The elements as the work issued before leaves them; work issued later may overwrite them. (The CPU does
  /// its work at once and keeps the handles: nobody may write to these tensors before finish().) Throws Error
  /// if an earlier begin() has not been finished.
  void begin(std::vector<Tensor> tensors);
  /// The tensors on the host. Throws Error if none were begun.
  std::vector<Tensor> finish();
  bool begun() const { return begun_; }

 private:
  std::unique_ptr<Readback> copies_;  ///< null on the CPU
  std::vector<Tensor> tensors_;       ///< where they are now
  bool begun_ = false;
};

}  // namespace tern
