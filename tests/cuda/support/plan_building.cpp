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
#include "tests/support/source_folder.h"

namespace tern::test {
namespace {

// Loaded once and by its own name, libcuda.so.1, which is what cuDNN then finds.
bool load_driver_or_stub() {
  static const bool loaded = dlopen("libcuda.so.1", RTLD_NOW | RTLD_GLOBAL) != nullptr ||
                             dlopen(TERN_CUDA_STUBS "/libcuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
  return loaded;
}

// Follows images through a network's layers.
class Problems {
 public:
  Problems(std::int64_t images, std::int64_t extent, ConvolutionType type,
           std::set<ConvolutionProblem>& problems)
      : images_(images), extent_(extent), type_(type), problems_(problems) {}

  void add(const ResNet& network) {
    add(network.stem());
    extent_ = Window{3, 2, 1}.output_extent(extent_);  // the pool
    for (const ResNetBlock& block : network.blocks()) {
      const std::int64_t extent = extent_;
      if (block.downsample) add(*block.downsample);
      extent_ = extent;
      for (const ConvNorm& layer : block.path) add(layer);
    }
  }

 private:
  void add(const ConvNorm& layer) {
    const Window window = layer.conv.convolution().window;
    const int groups = layer.conv.convolution().groups;
    const Tensor& w = layer.conv.weight().data();
    ConvolutionProblem problem;
    problem.type = type_;
    problem.images = images_;
    problem.height = problem.width = extent_;
    problem.in = w.size(3) * groups;
    problem.out = w.size(0);
    problem.kernel = window.kernel;
    problem.stride = window.stride;
    problem.padding = window.padding;
    problem.groups = groups;
    for (const ConvolutionPass pass :
         {ConvolutionPass::forward, ConvolutionPass::backward_data, ConvolutionPass::backward_weight}) {
      problem.pass = pass;
      if (pass != ConvolutionPass::backward_data || problem.in != 3) problems_.insert(problem);
    }
    extent_ = window.output_extent(extent_);
  }

  std::int64_t images_, extent_;
  ConvolutionType type_;
  std::set<ConvolutionProblem>& problems_;
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
  return cudnn_device(read_text_file(golden("h200_deviceprop.json")));
}

std::vector<ConvolutionProblem> resnet_convolutions(const std::vector<std::string>& architectures,
                                                    std::int64_t images, std::int64_t extent,
                                                    ConvolutionType type) {
  std::set<ConvolutionProblem> problems;
  for (const std::string& name : architectures) {
    Initialiser zeros = Initialiser::zeros();
    Problems(images, extent, type, problems).add(ResNet(resnet_architecture(name), zeros));
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
