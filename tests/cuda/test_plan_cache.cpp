// Which plan is kept, with a clock that the test sets. Plans are built for a described device and never run.
#include "engine/backend/cuda/plan_cache.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "tests/cuda/support/plan_building.h"
#include "tests/support/temporary_folder.h"

using namespace tern;

namespace {

ConvolutionProblem problem() {
  ConvolutionProblem problem;
  problem.type = ConvolutionType::bf16;
  problem.images = 8;
  problem.height = problem.width = 14;
  problem.in = problem.out = 256;
  return problem;
}

/// Times the plans as it is told, and notes which it was asked about.
struct Clock {
  std::vector<float> times;  ///< of the plans in turn; below 0: it does not run
  std::vector<std::string> asked;

  PlanCache::Timer timer() {
    return [this](const ConvolutionPlan& plan) {
      const float time = times[asked.size() % times.size()];
      asked.push_back(plan.json());
      if (time < 0) throw Error("cuDNN", "does not run");
      return time;
    };
  }
};

}  // namespace

TEST_CASE("plan cache: the fastest is kept, and timed once") {
  auto device = test::described_device();
  if (!device) return;
  PlanCache cache(std::move(*device), {}, "");
  Clock clock{{5, 4, -1, 2, 3, 6, 7, 8}, {}};
  const ConvolutionPlan* const plan = cache.plan(problem(), clock.timer());
  REQUIRE(plan != nullptr);
  REQUIRE(clock.asked.size() == 8);
  CHECK(plan->json() == clock.asked[3]);
  CHECK(cache.plan(problem(), clock.timer()) == plan);
  CHECK(clock.asked.size() == 8);
  ConvolutionProblem other = problem();
  other.images = 9;
  CHECK(cache.plan(other, clock.timer()) != plan);
}

TEST_CASE("plan cache: the next program finds the plan in a file, and a useless one is replaced") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "plans";
  const auto ask = [&](Clock& clock) {
    PlanCache cache(std::move(*test::described_device()), {}, path);
    return cache.plan(problem(), clock.timer())->json();
  };
  if (!test::described_device()) return;
  Clock clock{{3, 2, 1}, {}};
  const std::string chosen = ask(clock);
  Clock unused;
  CHECK(ask(unused) == chosen);
  CHECK(unused.asked.empty());

  PlanFile(path).add(problem().text(), "{\"from\": \"another version\"}");
  Clock again{{3, 2, 1}, {}};
  CHECK(ask(again) == chosen);
  CHECK(again.asked.size() == 8);
  CHECK(ask(unused) == chosen);
}

TEST_CASE("plan cache: without a clock cuDNN's recommendation is taken, and not written unless bits count") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "plans";
  auto device = test::described_device();
  if (!device) return;
  PlanCache cache(std::move(*device), {}, path);
  CHECK(cache.plan(problem(), nullptr) != nullptr);
  CHECK(PlanFile(path).size() == 0);
  ConvolutionProblem deterministic = problem();
  deterministic.deterministic = true;
  CHECK(cache.plan(deterministic, nullptr) != nullptr);
  CHECK(PlanFile(path).size() == 1);
}

TEST_CASE("plan cache: where no plan runs, the reason is told; where none is fused, there is another way") {
  auto device = test::described_device();
  if (!device) return;
  PlanCache cache(std::move(*device), {}, "");
  Clock clock{{-1}, {}};
  CHECK_THROWS_WITH_AS(cache.plan(problem(), clock.timer()), doctest::Contains("does not run"), Error);
  ConvolutionProblem fused = problem();
  fused.type = ConvolutionType::tf32;
  fused.bias = fused.relu = true;
  CHECK(cache.plan(fused, clock.timer()) == nullptr);
}
