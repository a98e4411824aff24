// What tests need to build cuDNN's plans on a machine without a GPU.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/backend/cuda/convolution_plan.h"

namespace tern::test {

/// An H200 as cuDNN describes it (tests/goldens/h200_deviceprop.json); nothing, after a skip(), where there
/// is no cuDNN. Where there is no driver the toolkit's stub of libcuda stands in for it:
/// without one, cuDNN's heuristics answer nothing.
std::optional<CudnnDescriptor> described_device();

/// Engines that cuDNN has ready. The others are compiled where there is a GPU, each in a second or so:
/// minutes for all convolutions of a network.
inline constexpr PlanLimits kReadyPlans{.compiled_at_run_time = 0};

/// Every distinct convolution of ResNets on square images: forward, and both backward passes that training
/// needs (none for the images' own gradient).
std::vector<ConvolutionProblem> resnet_convolutions(const std::vector<std::string>& architectures,
                                                    std::int64_t images, std::int64_t extent,
                                                    ConvolutionType type);

/// Builds ready plans for each, prints how many and how long it took, and checks that each problem has one.
void check_plans(const std::vector<ConvolutionProblem>& problems, const CudnnDescriptor& device);

}  // namespace tern::test
