// How cuDNN will do a convolution: an engine with its settings, made for one problem and one kind of device.
//
// cuDNN's heuristics name configurations, best first; those that tern's type of convolution allows are
// finalized into plans. Plans may be made without a GPU (cudnn_device of a description), and kept as JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/backend/cuda/convolution_graph.h"
#include "engine/backend/cuda/cudnn_library.h"

namespace tern {

/// Where a plan's tensors lie on the device; null for those that its problem has not. The pass decides which
/// is written.
struct ConvolutionOperands {
  const void* x = nullptr;
  const void* w = nullptr;
  const void* y = nullptr;
  const void* bias = nullptr;
  const void* residual = nullptr;
};

class ConvolutionPlan {
 public:
  /// From what json() gave, for a device of the same kind. Throws Error if cuDNN does not take it.
  ConvolutionPlan(const CudnnDescriptor& device, const std::string& json);

  std::size_t workspace_bytes() const;
  std::string json() const;

 private:
  friend class ConvolutionCall;
  friend std::vector<ConvolutionPlan> build_convolution_plans(const ConvolutionProblem&,
                                                              const CudnnDescriptor&,
                                                              const struct PlanLimits&);
  ConvolutionPlan(CudnnDescriptor plan, std::shared_ptr<const void> origin)
      : plan_(std::move(plan)), origin_(std::move(origin)) {}

  CudnnDescriptor plan_;
  std::shared_ptr<const void> origin_;  ///< the descriptors that the plan was made of; null if from JSON
};

/// A plan and the addresses that it works on, made ready once for any number of runs. The plan must outlive
/// it.
class ConvolutionCall {
 public:
  /// `workspace` has the plan's workspace_bytes(). Throws Error.
  ConvolutionCall(const ConvolutionPlan& plan, const ConvolutionOperands& operands, void* workspace);

  void run(cudnnHandle_t handle) const;  ///< issues it to the handle's stream; throws Error

 private:
  const ConvolutionPlan& plan_;
  CudnnDescriptor addresses_{CUDNN_BACKEND_VARIANT_PACK_DESCRIPTOR};
};

struct PlanLimits {
  int plans = 8;  ///< at most so many
  /// Of them. Each takes a second or two to make, and so does an attempt that fails: there is one more of
  /// those.
  int compiled_at_run_time = 1;
  std::size_t workspace_bytes = std::size_t{1} << 30;  ///< of each
};

/// Plans for the problem, in the order in which cuDNN recommends them; none where it has none, as may be for
/// a fused problem. Throws Error if there is no libcuda.so.1, without which the heuristics answer nothing.
std::vector<ConvolutionPlan> build_convolution_plans(const ConvolutionProblem& problem,
                                                     const CudnnDescriptor& device, const PlanLimits& limits);

}  // namespace tern
