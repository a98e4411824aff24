#include "engine/core/parallel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace tern;

namespace {

using Ranges = std::vector<std::pair<std::int64_t, std::int64_t>>;

Ranges ranges_of(std::int64_t count, std::int64_t grain) {
  Ranges ranges;
  std::mutex mutex;
  parallel_for(count, grain, [&](std::int64_t begin, std::int64_t end) {
    const std::scoped_lock lock(mutex);
    ranges.emplace_back(begin, end);
  });
  std::sort(ranges.begin(), ranges.end());
  return ranges;
}

}  // namespace

TEST_CASE("parallel_for: disjoint ranges that cover everything, the same each time") {
  const int threads_before = thread_count();
  for (const int threads : {1, 2, 3, 8}) {
    set_thread_count(threads);
    CHECK(thread_count() == threads);
    for (const std::int64_t count : {1, 2, 3, 7, 8, 9, 64, 1000}) {
      for (const std::int64_t grain : {0, 1, 3, 64, 5000}) {
        const Ranges ranges = ranges_of(count, grain);
        std::int64_t next = 0;
        for (const auto& [begin, end] : ranges) {
          CHECK(begin == next);
          CHECK(end > begin);
          next = end;
        }
        CHECK(next == count);
        CHECK(static_cast<int>(ranges.size()) <= threads);
        const std::int64_t most =
            (count + std::max<std::int64_t>(grain, 1) - 1) / std::max<std::int64_t>(grain, 1);
        CHECK(static_cast<std::int64_t>(ranges.size()) <= most);
        CHECK(ranges == ranges_of(count, grain));
      }
    }
  }
  set_thread_count(threads_before);
}

TEST_CASE("parallel_for: nothing to do") {
  int calls = 0;
  parallel_for(0, 1, [&](std::int64_t, std::int64_t) { ++calls; });
  parallel_for(-3, 1, [&](std::int64_t, std::int64_t) { ++calls; });
  CHECK(calls == 0);
}

TEST_CASE("parallel_for: everything is done where OpenMP gives fewer threads than asked for") {
  const int threads_before = thread_count();
  set_thread_count(4);
  std::vector<Ranges> ranges(2);
#pragma omp parallel num_threads(2)  // a loop within it gets one thread
  ranges[static_cast<std::size_t>(omp_get_thread_num())] = ranges_of(1000, 1);
  CHECK(ranges.front() == Ranges{{0, 1000}});
  set_thread_count(threads_before);
}

TEST_CASE(
    "parallel_tasks: each once, alone on its thread, and the first failure is thrown when all have ended") {
  const int threads_before = thread_count();
  for (const int threads : {1, 2, 3, 8}) {
    set_thread_count(threads);
    for (const std::int64_t count : {-1, 0, 1, 2, 7, 40}) {
      std::vector<int> done(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
      parallel_tasks(count, [&](std::int64_t task) {
        CHECK(thread_count() == 1);
        CHECK(ranges_of(1000, 1) == Ranges{{0, 1000}});
        ++done[static_cast<std::size_t>(task)];
      });
      CHECK(std::count(done.begin(), done.end(), 1) == std::max<std::int64_t>(count, 0));
      CHECK(thread_count() == threads);
    }
    std::atomic<int> ended = 0;
    const auto fail = [&] {
      parallel_tasks(9, [&](std::int64_t task) {
        ++ended;
        if (task % 4 == 3) throw std::runtime_error("task " + std::to_string(task));
      });
    };
    CHECK_THROWS_WITH_AS(fail(), "task 3", std::runtime_error);
    CHECK(ended == 9);
  }
  set_thread_count(threads_before);
}

TEST_CASE("set_thread_count: at least one") {
  const int threads_before = thread_count();
  set_thread_count(0);
  CHECK(thread_count() == 1);
  set_thread_count(threads_before);
}
