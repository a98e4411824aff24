// cuDNN's plans, built for a described H200: no GPU is needed, and nothing is run.
#include "engine/backend/cuda/convolution_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <utility>
#include <vector>

#include "engine/core/check.h"
#include "models/resnet.h"
#include "tests/cuda/support/plan_building.h"

using namespace tern;

namespace {

ConvolutionProblem problem_3x3(ConvolutionPass pass, ConvolutionType type) {
  ConvolutionProblem problem;
  problem.pass = pass;
  problem.type = type;
  problem.images = 64;
  problem.height = problem.width = 16;
  problem.in = problem.out = 64;
  problem.kernel = 3;
  problem.padding = 1;
  return problem;
}

}  // namespace

TEST_CASE("plans: every convolution of every network, at the study's size and at ImageNet's") {
  const auto device = test::described_device();
  if (!device) return;
  for (const auto type : {ConvolutionType::bf16, ConvolutionType::tf32, ConvolutionType::f32}) {
    test::check_plans(test::resnet_convolutions(resnet_names(), 64, 64, type), *device);
    test::check_plans(test::resnet_convolutions(resnet_names(), 256, 224, type), *device);
  }
}

TEST_CASE("plans: gradients of images added to those that are there, for every network") {
  const auto device = test::described_device();
  if (!device) return;
  for (const auto type : {ConvolutionType::bf16, ConvolutionType::tf32, ConvolutionType::f32}) {
    for (const auto& [images, extent] : {std::pair(64, 64), std::pair(256, 224)}) {
      std::vector<ConvolutionProblem> problems =
          test::resnet_convolutions({"resnet18", "resnet50"}, images, extent, type);
      std::erase_if(problems,
                    [](const auto& problem) { return problem.pass != ConvolutionPass::backward_data; });
      for (ConvolutionProblem& problem : problems) problem.add = true;
      test::check_plans(problems, *device);
    }
  }
}

TEST_CASE("plans: a group for every channel, and groups of odd sizes") {
  const auto device = test::described_device();
  if (!device) return;
  for (const auto type : {ConvolutionType::f32, ConvolutionType::tf32, ConvolutionType::bf16}) {
    for (const auto pass :
         {ConvolutionPass::forward, ConvolutionPass::backward_data, ConvolutionPass::backward_weight}) {
      ConvolutionProblem problem = problem_3x3(pass, type);
      problem.groups = 64;
      CAPTURE(problem.text());
      CHECK_FALSE(build_convolution_plans(problem, *device, test::kReadyPlans).empty());
      problem.in = 15;
      problem.out = 10;
      problem.groups = 5;
      CHECK_FALSE(build_convolution_plans(problem, *device, test::kReadyPlans).empty());
    }
  }
}

TEST_CASE("plans: in f32 none rounds its inputs, and each pass has one") {
  const auto device = test::described_device();
  if (!device) return;
  for (const auto pass :
       {ConvolutionPass::forward, ConvolutionPass::backward_data, ConvolutionPass::backward_weight}) {
    const auto plans =
        build_convolution_plans(problem_3x3(pass, ConvolutionType::f32), *device, test::kReadyPlans);
    CHECK_FALSE(plans.empty());
    CHECK(plans.size() <= 8);
    const auto faster =
        build_convolution_plans(problem_3x3(pass, ConvolutionType::tf32), *device, test::kReadyPlans);
    CHECK(faster.size() == 8);  // many more are allowed
    CHECK(plans.front().json() != faster.front().json());
  }
}

TEST_CASE("plans: odd extents, channels and addresses, strides, and kernels of any size") {
  const auto device = test::described_device();
  if (!device) return;
  for (const auto type : {ConvolutionType::f32, ConvolutionType::tf32, ConvolutionType::bf16}) {
    for (const auto pass :
         {ConvolutionPass::forward, ConvolutionPass::backward_data, ConvolutionPass::backward_weight}) {
      ConvolutionProblem problem = problem_3x3(pass, type);
      problem.images = 1;
      problem.height = 17;
      problem.width = 9;
      problem.in = 3;
      problem.out = 5;
      problem.kernel = 5;
      problem.stride = 3;
      problem.padding = 4;
      CHECK_FALSE(build_convolution_plans(problem, *device, test::kReadyPlans).empty());
      problem.alignment = type == ConvolutionType::bf16 ? 2 : 4;
      CHECK_FALSE(build_convolution_plans(problem, *device, test::kReadyPlans).empty());
    }
  }
}

TEST_CASE("plans: deterministic ones") {
  const auto device = test::described_device();
  if (!device) return;
  for (const auto pass : {ConvolutionPass::backward_data, ConvolutionPass::backward_weight}) {
    ConvolutionProblem problem = problem_3x3(pass, ConvolutionType::bf16);
    problem.deterministic = true;
    CHECK_FALSE(build_convolution_plans(problem, *device, test::kReadyPlans).empty());
  }
}

TEST_CASE("plans: with bias, residual and ReLU in one kernel") {
  const auto device = test::described_device();
  if (!device) return;
  for (const auto type :
       {ConvolutionType::f32, ConvolutionType::tf32}) {  // bf16's are compiled on the device
    for (const int groups : {1, 16}) {
      ConvolutionProblem problem = problem_3x3(ConvolutionPass::forward, type);
      problem.groups = groups;
      problem.bias = problem.relu = true;
      CHECK_FALSE(build_convolution_plans(problem, *device, test::kReadyPlans).empty());
      problem.residual = true;
      CHECK_FALSE(build_convolution_plans(problem, *device, test::kReadyPlans).empty());
    }
  }
  // Where there is no GPU to compile for, there is no plan, and no error: the caller has another way.
  ConvolutionProblem problem = problem_3x3(ConvolutionPass::forward, ConvolutionType::bf16);
  problem.bias = problem.relu = true;
  const auto plans = build_convolution_plans(problem, *device, {});
  std::printf("fused bf16: %zu plans\n", plans.size());
  CHECK(plans.size() <= 2);
}

TEST_CASE("plans: limits hold") {
  const auto device = test::described_device();
  if (!device) return;
  const ConvolutionProblem problem = problem_3x3(ConvolutionPass::backward_data, ConvolutionType::bf16);
  PlanLimits limits = test::kReadyPlans;
  limits.plans = 3;
  CHECK(build_convolution_plans(problem, *device, limits).size() == 3);
  limits.plans = 8;
  limits.workspace_bytes = 0;
  for (const ConvolutionPlan& plan : build_convolution_plans(problem, *device, limits)) {
    CHECK(plan.workspace_bytes() == 0);
  }
}

TEST_CASE("plans: kept as JSON") {
  const auto device = test::described_device();
  if (!device) return;
  const auto plans = build_convolution_plans(problem_3x3(ConvolutionPass::forward, ConvolutionType::bf16),
                                             *device, test::kReadyPlans);
  REQUIRE_FALSE(plans.empty());
  const std::string json = plans.front().json();
  const ConvolutionPlan again(*device, json);
  CHECK(again.json() == json);
  CHECK(again.workspace_bytes() == plans.front().workspace_bytes());
  for (const std::string& damaged : {std::string(), std::string("{}"), json.substr(0, json.size() / 2)}) {
    CHECK_THROWS_AS(ConvolutionPlan(*device, damaged), Error);
  }
}
