#include "engine/backend/cuda/plan_cache.h"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <utility>

#include "engine/core/check.h"
#include "engine/device/allocator.h"

namespace tern {
namespace {

using Plans = std::vector<ConvolutionPlan>;

// The fastest of the plans, or without by_clock the first that runs. A plan may fail where others do well:
// one that asks for too much memory, say. Only if all fail is the first failure worth a word.
std::unique_ptr<ConvolutionPlan> choose(Plans& plans, const PlanCache::Timer& timer, bool by_clock) {
  ConvolutionPlan* best = nullptr;
  float best_milliseconds = 0;
  std::exception_ptr first_failure;
  for (ConvolutionPlan& plan : plans) {
    try {
      const float milliseconds = timer(plan);
      if (best == nullptr || milliseconds < best_milliseconds) {
        best = &plan;
        best_milliseconds = milliseconds;
      }
      if (!by_clock) break;
    } catch (const Error&) {
      if (first_failure == nullptr) first_failure = std::current_exception();
    }
  }
  if (best == nullptr) std::rethrow_exception(first_failure);
  return std::make_unique<ConvolutionPlan>(std::move(*best));
}

}  // namespace

std::unique_ptr<ConvolutionPlan> PlanCache::from_file(const std::string& key, const Timer& timer) const {
  const std::string* const json = file_.find(key);
  if (json == nullptr) return nullptr;
  try {
    auto plan = std::make_unique<ConvolutionPlan>(device_, *json);
    if (plan->workspace_bytes() > limits_.workspace_bytes) return nullptr;
    timer(*plan);
    return plan;
  } catch (const Error&) {
    return nullptr;  // useless after all: it is built anew, and the new one is written
  }
}

// cuDNN describes plans made for a description of a device as written, read and then run. One that has not
// been to a file should run as well; if none does, they are tried in that way.
std::unique_ptr<ConvolutionPlan> PlanCache::build(const ConvolutionProblem& problem, const Timer& timer,
                                                  bool by_clock) {
  tell_once();
  Plans plans = build_convolution_plans(problem, device_, limits_);
  if (plans.empty()) return nullptr;
  try {
    return choose(plans, timer, by_clock);
  } catch (const Error&) {
    try {
      Plans read;
      for (const ConvolutionPlan& plan : plans) read.emplace_back(device_, plan.json());
      return choose(read, timer, by_clock);
    } catch (const Error&) {
      if (problem.fused() || problem.add) return nullptr;  // there is another way: one step after the other
    }
    throw;
  }
}

bool PlanCache::is_known_for_other_images(const ConvolutionProblem& problem) const {
  return std::ranges::any_of(plans_, [&](const auto& known) {
    ConvolutionProblem other = known.first;
    other.images = problem.images;
    return other == problem;
  });
}

std::unique_ptr<ConvolutionPlan> PlanCache::find(const ConvolutionProblem& problem, const Timer& timer) {
  bool starved = false;  // with more memory another plan may be the fastest: then none is written
  const Timer noting = [&](const ConvolutionPlan& plan) {
    try {
      return timer(plan);
    } catch (const OutOfMemory&) {
      starved = true;
      throw;
    }
  };
  std::string key = problem.text();
  if (auto plan = from_file(key, noting)) return plan;
  const bool by_clock = !problem.deterministic && !is_known_for_other_images(problem);
  if (!by_clock) {
    key += " as recommended";  // no answer for a program that has the time to look
    if (auto plan = from_file(key, noting)) return plan;
  }
  auto plan = build(problem, noting, by_clock);
  try {
    if (plan != nullptr && !starved) file_.add(key, plan->json());
  } catch (const Error&) {
    // Not every engine's plans can be written. The next program looks for this one again.
  }
  return plan;
}

const ConvolutionPlan* PlanCache::plan(const ConvolutionProblem& problem, const Timer& timer) {
  const auto known = plans_.find(problem);
  if (known != plans_.end()) return known->second.get();
  if (timer == nullptr) {
    throw Error("capture", "work that has run once before", "the first convolution " + problem.text());
  }
  return plans_.emplace(problem, find(problem, timer)).first->second.get();
}

void PlanCache::tell_once() {
  if (std::exchange(told_, true)) return;
  std::fprintf(
      stderr,
      "tern: choosing among cuDNN's convolutions for this network on this GPU; the first time it takes "
      "up to a minute or two\n");
}

}  // namespace tern
