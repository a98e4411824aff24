// The plan of every convolution that has been asked for: found in a file, or built and timed once.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine/backend/cuda/convolution_plan.h"
#include "engine/backend/cuda/plan_file.h"

namespace tern {

class PlanCache {
 public:
  /// Milliseconds of one run on the device; throws Error or OutOfMemory where the plan does not run.
  using Timer = std::function<float(const ConvolutionPlan&)>;

  PlanCache(CudnnDescriptor device, const PlanLimits& limits, std::filesystem::path file)
      : device_(std::move(device)), limits_(limits), file_(std::move(file)) {}

  /// The plan for a problem, or null where cuDNN has none. On first use it is taken from the file, if it
  /// still runs; else up to limits.plans are built and timed, and the fastest is kept, and written unless
  /// memory was short. The clock has no say where bits may not depend on it, nor where another number of
  /// images has its plan already, as with an epoch's last batch: there it is the first that cuDNN recommends
  /// and that runs. Throws Error if none runs, unless the problem is fused; and without a timer, where
  /// nothing can be run, if it is the first use.
  const ConvolutionPlan* plan(const ConvolutionProblem& problem, const Timer& timer);

 private:
  std::unique_ptr<ConvolutionPlan> find(const ConvolutionProblem& problem, const Timer& timer);
  std::unique_ptr<ConvolutionPlan> from_file(const std::string& key, const Timer& timer) const;
  std::unique_ptr<ConvolutionPlan> build(const ConvolutionProblem& problem, const Timer& timer,
                                         bool by_clock);
  bool is_known_for_other_images(const ConvolutionProblem& problem) const;
  void tell_once();

  CudnnDescriptor device_;
  PlanLimits limits_;
  PlanFile file_;
  /// Kept for good: a recorded graph runs a plan's code, which cuDNN may unload with the plan.
  std::map<ConvolutionProblem, std::unique_ptr<ConvolutionPlan>> plans_;
  bool told_ = false;
};

}  // namespace tern
