// Loops over the cores. One thread pool for the whole program: OpenMP's, which oneDNN uses too.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <functional>

namespace tern {

/// The number of threads that parallel_for and oneDNN use, at least 1. Of the calling thread, as set_thread_count's.
inline int thread_count() {
  return omp_get_max_threads();
}

/// Sets it to `threads`, or to what OpenMP gives if that is fewer (OMP_THREAD_LIMIT, OMP_DYNAMIC): with fewer than it counts on,
/// oneDNN leaves parts of a result as they were (seen with 2.6.3).
void set_thread_count(int threads);

/// A grain for loops that do little with each element: a second thread costs more than it saves for fewer.
inline constexpr std::int64_t kElementwiseGrain = 1 << 15;

/// Calls body(begin, end) on disjoint ranges that cover [0, count), one per thread, and no more of them than
/// ranges of `grain` would make. The partition depends on count, grain and the number of threads alone, so a
/// run is repeatable. OpenMP may give fewer threads than it was asked for (OMP_THREAD_LIMIT, OMP_DYNAMIC, a loop within
/// a loop). body must not throw.
template <typename Body>
void parallel_for(std::int64_t count, std::int64_t grain, Body&& body) {
  if (count <= 0) return;
  const std::int64_t grains = (count + grain - 1) / std::max<std::int64_t>(grain, 1);
  const int threads = static_cast<int>(std::min<std::int64_t>(thread_count(), grains));
  if (threads <= 1) {
    body(std::int64_t{0}, count);
    return;
  }
#pragma omp parallel num_threads(threads)
  {
    const std::int64_t part = omp_get_thread_num(), parts = omp_get_num_threads();
    const std::int64_t begin = count * part / parts, end = count * (part + 1) / parts;
    if (begin < end) body(begin, end);
  }
}

/// Calls body(task) for every task of [0, count), in any order, several at a time, each whole on one thread: loops and oneDNN's work
/// within it take no other. A thread that the system puts aside keeps no other waiting, which beside other programs is worth more than an
/// even split. Rethrows what the first of the tasks that failed has thrown, after all have ended.
void parallel_tasks(std::int64_t count, const std::function<void(std::int64_t)>& body);

}  // namespace tern
