// The GPU's convolutions: a plan of cuDNN for each problem, timed on the tensors of its first call.
#include <algorithm>
#include <bit>
#include <cstdint>

#include "engine/backend/cuda/cuda_backend.h"
#include "engine/core/check.h"
#include "engine/device/cuda/check.h"
#include "engine/device/cuda/stream.h"

namespace tern {
namespace {

constexpr std::int64_t kAlignment = 16;  // what cuDNN's vector loads want; blocks have more

// The largest power of two, up to 16, that divides the address.
std::int64_t alignment_of(const void* address) {
  if (address == nullptr) return kAlignment;
  const auto number = reinterpret_cast<std::uintptr_t>(address);
  return std::int64_t{1} << std::min(std::countr_zero(number), std::countr_zero(std::uint64_t{kAlignment}));
}

std::int64_t alignment_of(const ConvolutionOperands& operands) {
  return std::min({alignment_of(operands.x), alignment_of(operands.w), alignment_of(operands.y),
                   alignment_of(operands.bias), alignment_of(operands.residual)});
}

}  // namespace

ConvolutionProblem CudaBackend::problem(ConvolutionPass pass, const Tensor& x, const Tensor& y,
                                        const Tensor& w, const Convolution& convolution) const {
  ConvolutionProblem problem;
  problem.pass = pass;
  problem.type = x.dtype() == DType::bf16 ? ConvolutionType::bf16
                 : convolution.tf32       ? ConvolutionType::tf32
                                          : ConvolutionType::f32;
  problem.images = x.size(0);
  problem.height = x.size(1);
  problem.width = x.size(2);
  problem.in = x.size(3);
  problem.out = y.size(3);
  problem.kernel = convolution.window.kernel;
  problem.stride = convolution.window.stride;
  problem.padding = convolution.window.padding;
  problem.groups = convolution.groups;
  problem.deterministic = deterministic_;
  problem.alignment = alignment_of({x.raw(), w.raw(), y.raw(), nullptr, nullptr});
  return problem;
}

void* CudaBackend::plan_workspace(std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (plan_workspace_ == nullptr || plan_workspace_->bytes() < bytes) {
    plan_workspace_.reset();  // first, so that its memory may serve the larger one
    plan_workspace_ = std::make_unique<Buffer>(bytes, device());
  }
  return plan_workspace_->data();
}

void CudaBackend::run(const ConvolutionPlan& plan, const ConvolutionOperands& operands) {
  ConvolutionCall(plan, operands, plan_workspace(plan.workspace_bytes())).run(cudnn_);
}

// Milliseconds of one run; the best of a few series, after a run that loads the kernel. Outputs are
// overwritten by each. A kernel may take less time than the host needs to issue it. So the device is first
// kept busy for long enough that all of a series waits in its queue: then the events enclose its time alone.
float CudaBackend::time(const ConvolutionPlan& plan, const ConvolutionOperands& operands) {
  constexpr int kSeries = 3, kRuns = 4;
  // A few hundred microseconds on any GPU, whose bandwidth grows with its cache; and another convolution's
  // operands, which a plan timed later would find there, are gone from the cache.
  constexpr int kFills = 8;
  const Buffer filled(2 * std::max(cuda_.properties().l2_bytes, std::size_t{1} << 20), device());
  const ConvolutionCall call(plan, operands, plan_workspace(plan.workspace_bytes()));
  CudaEvent start(CudaEvent::Timing::on), end(CudaEvent::Timing::on);
  call.run(cudnn_);
  float best = 0;
  for (int series = 0; series < kSeries; ++series) {
    for (int i = 0; i < kFills; ++i) {
      check_cuda(cudaMemsetAsync(filled.data(), 0, filled.bytes(), cuda_.stream()), "cudaMemsetAsync");
    }
    start.record(cuda_.stream());
    for (int i = 0; i < kRuns; ++i) call.run(cudnn_);
    end.record(cuda_.stream());
    end.synchronize();
    const float milliseconds = end.milliseconds_since(start) / kRuns;
    if (series == 0 || milliseconds < best) best = milliseconds;
  }
  return best;
}

const ConvolutionPlan* CudaBackend::plan(const ConvolutionProblem& problem,
                                         const ConvolutionOperands& operands) {
  cuda_.make_current();
  if (cuda_.is_capturing()) return plans_->plan(problem, nullptr);  // nothing can be tried now
  return plans_->plan(problem, [&](const ConvolutionPlan& candidate) {
    if (!problem.add) return time(candidate, operands);
    const Buffer sum(problem.input_bytes(),
                     device());  // the real one must not be added to by what is only tried
    ConvolutionOperands tried = operands;
    tried.x = sum.data();
    return time(candidate, tried);
  });
}

void CudaBackend::run_or_fail(const ConvolutionProblem& problem, const ConvolutionOperands& operands) {
  const ConvolutionPlan* const found = plan(problem, operands);
  if (found == nullptr) throw Error("cuDNN", "a plan for the convolution " + problem.text(), "none");
  run(*found, operands);
}

bool CudaBackend::conv2d_forward(const Tensor& x, const Tensor& w, const Tensor* bias,
                                 const Convolution& convolution, const Epilogue& epilogue, Tensor& y,
                                 PackedWeights*) {
  ConvolutionProblem wanted = problem(ConvolutionPass::forward, x, y, w, convolution);
  wanted.bias = bias != nullptr;
  wanted.residual = epilogue.residual != nullptr;
  wanted.relu = epilogue.relu;
  ConvolutionOperands operands{x.raw(), w.raw(), y.raw(), nullptr, nullptr};
  if (!wanted.fused()) {
    run_or_fail(wanted, operands);
    return true;
  }
  if (wanted.bias) operands.bias = bias->raw();
  if (wanted.residual) operands.residual = epilogue.residual->raw();
  wanted.alignment = alignment_of(operands);
  const ConvolutionPlan* const found = plan(wanted, operands);
  if (found != nullptr) run(*found, operands);
  return found != nullptr;
}

void CudaBackend::conv2d_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                       Tensor& dx) {
  run_or_fail(problem(ConvolutionPass::backward_data, dx, dy, w, convolution),
              {dx.raw(), w.raw(), dy.raw(), nullptr, nullptr});
}

bool CudaBackend::conv2d_add_backward_data(const Tensor& dy, const Tensor& w, const Convolution& convolution,
                                           Tensor& dx) {
  ConvolutionProblem wanted = problem(ConvolutionPass::backward_data, dx, dy, w, convolution);
  wanted.add = true;
  const ConvolutionOperands operands{dx.raw(), w.raw(), dy.raw(), nullptr, nullptr};
  const ConvolutionPlan* const found = plan(wanted, operands);
  if (found != nullptr) run(*found, operands);
  return found != nullptr;
}

void CudaBackend::conv2d_backward_weight(const Tensor& x, const Tensor& dy, const Convolution& convolution,
                                         Tensor& dw) {
  run_or_fail(problem(ConvolutionPass::backward_weight, x, dy, dw, convolution),
              {x.raw(), dw.raw(), dy.raw(), nullptr, nullptr});
}

}  // namespace tern
