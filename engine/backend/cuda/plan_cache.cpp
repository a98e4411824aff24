#include "engine/backend/cuda/plan_cache.h"

#include <exception>
#include <utility>

#include "engine/core/check.h"
#include "engine/device/allocator.h"

namespace tern {
namespace {

// The fastest of the plans, taken out of them. A plan may fail where others do well: one that asks for too
// much memory, say. Only if all fail is the first failure worth a word.
ConvolutionPlan fastest(std::vector<ConvolutionPlan>& plans, const PlanCache::Timer& timer) {
  ConvolutionPlan* best = nullptr;
  float least = 0;
  std::exception_ptr first_failure;
  for (ConvolutionPlan& plan : plans) {
    try {
      const float milliseconds = timer(plan);
      if (best == nullptr || milliseconds < least) {
        best = &plan;
        least = milliseconds;
      }
    } catch (const Error&) {
      if (first_failure == nullptr) first_failure = std::current_exception();
    }
  }
  if (best == nullptr) std::rethrow_exception(first_failure);
  return std::move(*best);
}

}  // namespace

std::unique_ptr<ConvolutionPlan> PlanCache::from_file(const std::string& key) const {
  const std::string* const json = file_.find(key);
  if (json == nullptr) return nullptr;
  try {
    return std::make_unique<ConvolutionPlan>(device_, *json);
  } catch (const Error&) {
    return nullptr;  // of another version after all: it is built anew, and the new one is written
  }
}

std::unique_ptr<ConvolutionPlan> PlanCache::build(const ConvolutionProblem& problem, const Timer& timer) {
  PlanLimits limits = limits_;
  if (timer == nullptr) limits.plans = 1;
  std::vector<ConvolutionPlan> plans = build_convolution_plans(problem, device_, limits);
  if (plans.empty()) return nullptr;
  if (timer == nullptr) return std::make_unique<ConvolutionPlan>(std::move(plans.front()));
  try {
    return std::make_unique<ConvolutionPlan>(fastest(plans, timer));
  } catch (const Error&) {
    if (problem.fused()) return nullptr;  // there is another way: one step after the other
    throw;
  }
}

const ConvolutionPlan* PlanCache::plan(const ConvolutionProblem& problem, const Timer& timer) {
  const auto found = plans_.find(problem);
  if (found != plans_.end()) return found->second.get();
  const std::string key = problem.text();
  std::unique_ptr<ConvolutionPlan> plan = from_file(key);
  if (plan == nullptr) {
    plan = build(problem, timer);
    // A plan that was not timed for want of a clock is no answer for the next run.
    if (plan != nullptr && (timer != nullptr || problem.deterministic)) file_.add(key, plan->json());
  }
  return plans_.emplace(problem, std::move(plan)).first->second.get();
}

}  // namespace tern
