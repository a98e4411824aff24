// One whole training or inference step of a ResNet on random data that is on the device already: what bench_step times and
// account_step counts.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "apps/common/recorded_step.h"
#include "data/loader.h"
#include "engine/backend/backend.h"
#include "engine/optim/optimizer.h"
#include "models/heads.h"

namespace CLI {
class App;
}

namespace tern::bench {

struct StepOptions {
  std::string arch = "resnet50", mode = "train", precision = "fp32";
  int batch = 64, size = 64;
  /// With bf16: convolutions' weights are kept in bf16, too, and written by the optimiser, not rounded at each step.
  bool bf16_copies = true;
};

/// --arch, --mode, --batch, --size, --precision.
void add_step_options(CLI::App& app, StepOptions& options);

class Step {
 public:
  Step(const StepOptions& options, Device device);
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;

  /// A step, with the optimiser's where it trains. Returns when the device is done.
  void operator()();
  bool is_recorded() const { return step_->is_recorded(); }

 private:
  StepOutputs infer(const Batch& batch);
  StepOutputs train(const Batch& batch);

  Backend& backend_;
  Model model_;
  Batch batch_;
  std::unique_ptr<Adam> optimizer_;  ///< null where nothing is trained
  std::optional<RecordedStep> step_;
};

/// How often a step is done before it is timed or counted: as usual, recorded, and replayed.
inline constexpr int kWarmUps = 4;

}  // namespace tern::bench
