// Which plan is kept, with a clock that the test sets. Plans are built for a described device and never run.
#include "engine/backend/cuda/plan_cache.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "engine/backend/cuda/cudnn_library.h"
#include "engine/core/check.h"
#include "engine/device/allocator.h"
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
  CHECK(cache.plan(problem(), nullptr) == plan);
  CHECK(clock.asked.size() == 8);
}

TEST_CASE(
    "plan cache: for another number of images, as in an epoch's last batch, cuDNN's recommendation is "
    "taken") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "plans";
  auto device = test::described_device();
  if (!device) return;
  PlanCache cache(std::move(*device), {}, path);
  Clock clock{{3, 2, 1}, {}};
  cache.plan(problem(), clock.timer());
  ConvolutionProblem last = problem();
  last.images = 3;
  Clock once{{5}, {}};
  const ConvolutionPlan* const plan = cache.plan(last, once.timer());
  REQUIRE(plan != nullptr);
  CHECK(once.asked == std::vector{plan->json()});

  // It is written, but not as the fastest: a program whose every batch is of that size looks for that.
  CHECK(PlanFile(path).size() == 2);
  PlanCache next(std::move(*test::described_device()), {}, path);
  Clock again{{3, 2, 1}, {}};
  next.plan(last, again.timer());
  CHECK(again.asked.size() == 8);
}

TEST_CASE(
    "plan cache: the next program finds the plan in a file and tries it, and a useless one is replaced") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "plans";
  const auto ask = [&](Clock& clock) {
    PlanCache cache(std::move(*test::described_device()), {}, path);
    return cache.plan(problem(), clock.timer())->json();
  };
  if (!test::described_device()) return;
  Clock clock{{3, 2, 1}, {}};
  const std::string chosen = ask(clock);
  Clock tried{{9}, {}};
  CHECK(ask(tried) == chosen);
  CHECK(tried.asked == std::vector{chosen});

  PlanFile(path).add(problem().text(), "{\"from\": \"another version\"}");
  Clock again{{3, 2, 1}, {}};
  CHECK(ask(again) == chosen);
  CHECK(again.asked.size() == 8);

  Clock failing{{-1, 1, 2, 3, 4, 5, 6, 7, 8}, {}};  // the plan of the file does not run
  const std::string found = ask(failing);
  REQUIRE(failing.asked.size() == 9);
  CHECK(found == failing.asked[1]);
  CHECK(ask(tried) == found);
}

TEST_CASE("plan cache: another version's plans are not taken over, and stay for that version") {
  const test::TemporaryFolder folder;
  setenv("XDG_CACHE_HOME", folder.path().c_str(), 1);
  if (!test::described_device()) return;
  const auto ask = [](const std::string& version, Clock& clock) {
    PlanCache cache(std::move(*test::described_device()), {}, plan_file_path(version, "NVIDIA H200"));
    return cache.plan(problem(), clock.timer())->json();
  };
  const std::string here = "cuDNN " + cudnn_version_text(), other = "cuDNN 9.8.0";
  Clock first{{3, 2, 1}, {}};
  const std::string chosen = ask(here, first);
  Clock of_other{{1, 2, 3}, {}};
  CHECK(ask(other, of_other) != chosen);
  CHECK(of_other.asked.size() == 8);  // all are built and timed
  Clock again{{9}, {}};
  CHECK(ask(here, again) == chosen);
  CHECK(again.asked.size() == 1);
}

TEST_CASE("plan cache: what is taken while memory is short is not written") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "plans";
  if (!test::described_device()) return;
  const auto ask = [&](const PlanCache::Timer& timer) {
    PlanCache cache(std::move(*test::described_device()), {}, path);
    return cache.plan(problem(), timer)->json();
  };
  Clock clock{{3, 2, 1}, {}};
  const std::string fastest = ask(clock.timer());
  const std::string other = ask([&](const ConvolutionPlan& plan) -> float {
    if (plan.json() == fastest) throw OutOfMemory(std::size_t{1} << 30);
    return 1;
  });
  CHECK(other != fastest);
  Clock tried{{9}, {}};
  CHECK(ask(tried.timer()) == fastest);
}

TEST_CASE(
    "plan cache: where bits count, the first recommendation that runs is taken, whatever the clock says") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "plans";
  auto device = test::described_device();
  if (!device) return;
  PlanCache cache(std::move(*device), {}, path);
  ConvolutionProblem deterministic = problem();
  deterministic.deterministic = true;
  Clock clock{{-1, 2, 1}, {}};
  const ConvolutionPlan* const plan = cache.plan(deterministic, clock.timer());
  REQUIRE(plan != nullptr);
  REQUIRE(clock.asked.size() == 2);
  CHECK(plan->json() == clock.asked[1]);
  PlanCache next(std::move(*test::described_device()), {}, path);
  Clock tried{{9}, {}};
  CHECK(next.plan(deterministic, tried.timer())->json() == plan->json());
  CHECK(tried.asked.size() == 1);
}

TEST_CASE("plan cache: where nothing can be run, there must have been a plan before") {
  auto device = test::described_device();
  if (!device) return;
  PlanCache cache(std::move(*device), {}, "");
  CHECK_THROWS_WITH_AS(cache.plan(problem(), nullptr),
                       doctest::Contains("the first convolution forward bf16"), Error);
}

TEST_CASE("plan cache: plans that run only after a way through JSON") {
  auto device = test::described_device();
  if (!device) return;
  PlanCache cache(std::move(*device), {}, "");
  Clock clock{{-1, -1, -1, -1, -1, -1, -1, -1, 3, 1, 2, 3, 3, 3, 3, 3}, {}};
  const ConvolutionPlan* const plan = cache.plan(problem(), clock.timer());
  REQUIRE(plan != nullptr);
  REQUIRE(clock.asked.size() == 16);
  CHECK(plan->json() == clock.asked[1]);
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
