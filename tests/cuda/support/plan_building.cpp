#include "tests/cuda/support/plan_building.h"

#include <dlfcn.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <set>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "models/resnet.h"
#include "tests/support/skip.h"

namespace tern::test {
namespace {

// Loaded once and by its own name, libcuda.so.1, which is what cuDNN then finds.
bool load_driver_or_stub() {
  static const bool loaded = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) != nullptr ||
                             dlopen(TERN_CUDA_STUBS "/libcuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
  return loaded;
}

// Follows a network's shapes, as models/resnet.cpp builds it.
class Shapes {
 public:
  Shapes(std::int64_t images, std::int64_t extent, ConvolutionType type,
         std::set<ConvolutionProblem>& problems)
      : images_(images), type_(type), problems_(problems), extent_(extent) {}

  void network(const ResNetArchitecture& architecture) {
    convolve(64, 7, 2, 3);
    extent_ = (extent_ + 2 - 3) / 2 + 1;  // max pool
    const std::int64_t expansion = architecture.bottleneck ? 4 : 1;
    for (std::size_t stage = 0; stage < 4; ++stage) {
      const std::int64_t width = std::int64_t{64} << stage;
      for (int block = 0; block < architecture.blocks[stage]; ++block) {
        this->block(width, width * expansion, stage > 0 && block == 0 ? 2 : 1, architecture.bottleneck);
      }
    }
  }

 private:
  void block(std::int64_t width, std::int64_t out, std::int64_t stride, bool bottleneck) {
    const std::int64_t in = channels_, extent = extent_;
    if (stride != 1 || in != out) convolve(out, 1, stride, 0);
    channels_ = in;
    extent_ = extent;
    if (bottleneck) convolve(width, 1, 1, 0);
    convolve(width, 3, stride, 1);
    bottleneck ? convolve(out, 1, 1, 0) : convolve(out, 3, 1, 1);
  }

  void convolve(std::int64_t out, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
    for (const ConvolutionPass pass :
         {ConvolutionPass::forward, ConvolutionPass::backward_data, ConvolutionPass::backward_weight}) {
      if (pass == ConvolutionPass::backward_data && channels_ == 3) continue;
      ConvolutionProblem problem;
      problem.pass = pass;
      problem.type = type_;
      problem.images = images_;
      problem.height = problem.width = extent_;
      problem.in = channels_;
      problem.out = out;
      problem.kernel = kernel;
      problem.stride = stride;
      problem.padding = padding;
      problems_.insert(problem);
    }
    extent_ = (extent_ + 2 * padding - kernel) / stride + 1;
    channels_ = out;
  }

  std::int64_t images_;
  ConvolutionType type_;
  std::set<ConvolutionProblem>& problems_;
  std::int64_t extent_, channels_ = 3;
};

}  // namespace

std::optional<CudnnDescriptor> described_device() {
  try {
    cudnn();
  } catch (const Error& error) {
    skip_without_cuda(std::string("no cuDNN (") + error.what() + ")");
    return std::nullopt;
  }
  if (!load_driver_or_stub()) {
    skip_without_cuda("no cuDNN heuristics without a driver, and no stub of one in " TERN_CUDA_STUBS);
    return std::nullopt;
  }
  return cudnn_device(read_text_file(TERN_SOURCE_DIR "/tests/goldens/h200_deviceprop.json"));
}

std::vector<ConvolutionProblem> resnet_convolutions(std::int64_t images, std::int64_t extent,
                                                    ConvolutionType type) {
  std::set<ConvolutionProblem> problems;
  for (const char* const name : {"resnet18", "resnet50"}) {
    Shapes(images, extent, type, problems).network(resnet_architecture(name));
  }
  return {problems.begin(), problems.end()};
}

void check_plans(const std::vector<ConvolutionProblem>& problems, const CudnnDescriptor& device) {
  const auto start = std::chrono::steady_clock::now();
  std::size_t plans = 0, largest = 0;
  for (const ConvolutionProblem& problem : problems) {
    CAPTURE(problem.text());
    const std::vector<ConvolutionPlan> built = build_convolution_plans(problem, device, kReadyPlans);
    CHECK_FALSE(built.empty());
    plans += built.size();
    for (const ConvolutionPlan& plan : built) largest = std::max(largest, plan.workspace_bytes());
  }
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  std::printf("%zu convolutions, %zu plans, workspace of at most %zu MiB, built in %.1f s (%s ...)\n",
              problems.size(), plans, largest >> 20, seconds.count(), problems.front().text().c_str());
}

}  // namespace tern::test
