#include "engine/backend/cuda/convolution_plan.h"

#include <algorithm>
#include <utility>

#include "engine/core/check.h"

namespace tern {
namespace {

/// A configuration that the heuristics named, and what its engine says of itself.
struct Candidate {
  CudnnDescriptor configuration;
  std::vector<cudnnBackendNumericalNote_t> numerical;
  std::vector<cudnnBackendBehaviorNote_t> behaviour;

  bool has(cudnnBackendNumericalNote_t note) const { return std::ranges::count(numerical, note) > 0; }
  bool compiles() const { return std::ranges::count(behaviour, CUDNN_BEHAVIOR_NOTE_RUNTIME_COMPILATION) > 0; }
};

std::vector<Candidate> ask_heuristics(const ConvolutionGraph& graph, const CudnnDescriptor& device,
                                      cudnnBackendHeurMode_t mode) {
  CudnnDescriptor heuristics(CUDNN_BACKEND_ENGINEHEUR_DESCRIPTOR);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_OPERATION_GRAPH, graph.graph);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_MODE, CUDNN_TYPE_HEUR_MODE, 1, &mode);
  heuristics.set(CUDNN_ATTR_ENGINEHEUR_DEVICEPROP, device);
  if (!heuristics.try_finalize()) return {};  // no engine has this pattern
  const auto results = CUDNN_ATTR_ENGINEHEUR_RESULTS;
  const std::int64_t count = heuristics.get(results, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, nullptr);
  std::vector<Candidate> candidates;
  std::vector<cudnnBackendDescriptor_t> handles;
  for (std::int64_t i = 0; i < count; ++i) {
    candidates.push_back({CudnnDescriptor(CUDNN_BACKEND_ENGINECFG_DESCRIPTOR), {}, {}});
    handles.push_back(candidates.back().configuration.get());
  }
  if (count == 0) return candidates;
  const std::int64_t filled = heuristics.get(results, CUDNN_TYPE_BACKEND_DESCRIPTOR, count, handles.data());
  while (static_cast<std::int64_t>(candidates.size()) > filled) candidates.pop_back();

  for (Candidate& candidate : candidates) {
    CudnnDescriptor engine(CUDNN_BACKEND_ENGINE_DESCRIPTOR);
    cudnnBackendDescriptor_t handle = engine.get();
    candidate.configuration.get(CUDNN_ATTR_ENGINECFG_ENGINE, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &handle);
    candidate.numerical = engine.get_list<cudnnBackendNumericalNote_t>(
        CUDNN_ATTR_ENGINE_NUMERICAL_NOTE, CUDNN_TYPE_NUMERICAL_NOTE, CUDNN_NUMERICAL_NOTE_TYPE_COUNT);
    candidate.behaviour = engine.get_list<cudnnBackendBehaviorNote_t>(
        CUDNN_ATTR_ENGINE_BEHAVIOR_NOTE, CUDNN_TYPE_BEHAVIOR_NOTE, CUDNN_BEHAVIOR_NOTE_TYPE_COUNT);
  }
  return candidates;
}

/// What cuDNN may still look at when a plan runs.
struct Origin {
  std::shared_ptr<const ConvolutionGraph> graph;
  CudnnDescriptor configuration;
};

bool allowed(const ConvolutionProblem& problem, const Candidate& candidate) {
  // Worse than what was asked for, whatever the type: partial sums rounded to the tensors' type, and
  // transforms whose error grows with their tile. Of those Winograd's smallest tile is as exact as plain
  // sums, since it sums over channels alone; the next one's error is some ten times as large, and an FFT's
  // depends on the largest value of a tile instead of on those that make up a result.
  if (candidate.has(CUDNN_NUMERICAL_NOTE_REDUCED_PRECISION_REDUCTION)) return false;
  if (candidate.has(CUDNN_NUMERICAL_NOTE_FFT)) return false;
  if (candidate.has(CUDNN_NUMERICAL_NOTE_WINOGRAD) &&
      !candidate.has(CUDNN_NUMERICAL_NOTE_WINOGRAD_TILE_4x4)) {
    return false;
  }
  if (problem.deterministic && candidate.has(CUDNN_NUMERICAL_NOTE_NONDETERMINISTIC)) return false;
  if (problem.type == ConvolutionType::bf16) return true;
  if (candidate.has(CUDNN_NUMERICAL_NOTE_DOWN_CONVERT_INPUTS)) return false;  // to half
  // In f32 a tensor core rounds its inputs to TF32.
  return problem.type == ConvolutionType::tf32 || !candidate.has(CUDNN_NUMERICAL_NOTE_TENSOR_CORE);
}

}  // namespace

ConvolutionPlan::ConvolutionPlan(const CudnnDescriptor& device, const std::string& json)
    : plan_(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR) {
  plan_.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
  plan_.set(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION, json);
  plan_.finalize("a convolution's plan from a file");
}

std::size_t ConvolutionPlan::workspace_bytes() const {
  return static_cast<std::size_t>(plan_.get_int64(CUDNN_ATTR_EXECUTION_PLAN_WORKSPACE_SIZE));
}

std::string ConvolutionPlan::json() const {
  return plan_.get_text(CUDNN_ATTR_EXECUTION_PLAN_JSON_REPRESENTATION);
}

ConvolutionCall::ConvolutionCall(const ConvolutionPlan& plan, const ConvolutionOperands& operands,
                                 void* workspace)
    : plan_(plan) {
  std::vector<std::int64_t> ids;
  std::vector<const void*> addresses;
  const auto add = [&](ConvolutionTensor id, const void* address) {
    if (address == nullptr) return;
    ids.push_back(id);
    addresses.push_back(address);
  };
  add(kX, operands.x);
  add(kW, operands.w);
  add(kY, operands.y);
  add(kBias, operands.bias);
  add(kResidual, operands.residual);
  const auto count = static_cast<std::int64_t>(ids.size());
  addresses_.set(CUDNN_ATTR_VARIANT_PACK_UNIQUE_IDS, CUDNN_TYPE_INT64, count, ids.data());
  addresses_.set(CUDNN_ATTR_VARIANT_PACK_DATA_POINTERS, CUDNN_TYPE_VOID_PTR, count, addresses.data());
  addresses_.set(CUDNN_ATTR_VARIANT_PACK_WORKSPACE, CUDNN_TYPE_VOID_PTR, 1, &workspace);
  addresses_.finalize("the addresses of a convolution");
}

void ConvolutionCall::run(cudnnHandle_t handle) const {
  check_cudnn(cudnn().execute(handle, plan_.plan_.get(), addresses_.get()),
              "cudnnBackendExecute of a convolution");
}

std::vector<ConvolutionPlan> build_convolution_plans(const ConvolutionProblem& problem,
                                                     const CudnnDescriptor& device,
                                                     const PlanLimits& limits) {
  const auto graph = std::make_shared<const ConvolutionGraph>(convolution_graph(problem));
  std::vector<ConvolutionPlan> plans;
  const int max_compiled = limits.compiled_at_run_time;
  std::size_t named = 0;
  int compiled = 0, attempts = 0;
  for (const cudnnBackendHeurMode_t mode : {CUDNN_HEUR_MODE_A, CUDNN_HEUR_MODE_FALLBACK}) {
    for (Candidate& candidate : ask_heuristics(*graph, device, mode)) {
      ++named;
      if (static_cast<int>(plans.size()) >= limits.plans) return plans;
      if (!allowed(problem, candidate)) continue;
      if (candidate.compiles() && (compiled == max_compiled || attempts++ > max_compiled)) continue;
      CudnnDescriptor plan(CUDNN_BACKEND_EXECUTION_PLAN_DESCRIPTOR);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_ENGINE_CONFIG, candidate.configuration);
      plan.set(CUDNN_ATTR_EXECUTION_PLAN_DEVICEPROP, device);
      if (!plan.try_finalize()) continue;
      if (candidate.compiles()) ++compiled;
      const auto origin = std::make_shared<Origin>(graph, std::move(candidate.configuration));
      ConvolutionPlan finished(std::move(plan), origin);
      if (finished.workspace_bytes() > limits.workspace_bytes) continue;
      plans.push_back(std::move(finished));
    }
    if (!plans.empty()) return plans;
  }
  if (named == 0 && !problem.fused()) {
    throw Error("cuDNN", "an engine for " + problem.text(),
                "none; is the NVIDIA driver's libcuda.so.1 there?");
  }
  return plans;
}

}  // namespace tern
