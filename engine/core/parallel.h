// Loops over the cores. One thread pool for the whole program: OpenMP's, which oneDNN uses too.
#pragma once

#include <omp.h>

#include <algorithm>
#include <cstdint>

namespace tern {

/// The number of threads that parallel_for and oneDNN use, at least 1.
inline int thread_count() {
  return omp_get_max_threads();
}
inline void set_thread_count(int threads) {
  omp_set_num_threads(std::max(threads, 1));
}

/// A grain for loops that do little with each element: a second thread costs more than it saves for fewer.
inline constexpr std::int64_t kElementwiseGrain = 1 << 15;

/// Calls body(begin, end) on disjoint ranges that cover [0, count), one per thread, and no more of them than
/// ranges of `grain` would make. The partition depends on count, grain and the number of threads alone, so a
/// run is repeatable. body must not throw.
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
    const std::int64_t part = omp_get_thread_num();
    const std::int64_t begin = count * part / threads, end = count * (part + 1) / threads;
    if (begin < end) body(begin, end);
  }
}

}  // namespace tern
