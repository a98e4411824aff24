#include "engine/core/parallel.h"

#include <exception>
#include <vector>

namespace tern {

void set_thread_count(int threads) {
  omp_set_dynamic(0);
  omp_set_num_threads(std::max(threads, 1));
  int given = 1;
#pragma omp parallel
#pragma omp single
  given = omp_get_num_threads();
  omp_set_num_threads(given);
}

void parallel_tasks(std::int64_t count, const std::function<void(std::int64_t)>& body) {
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(std::max<std::int64_t>(count, 0)));
  const int threads = static_cast<int>(std::clamp<std::int64_t>(count, 1, thread_count()));
#pragma omp parallel num_threads(threads)
  {
    omp_set_num_threads(1);  // for this thread, until the end of this block
#pragma omp for schedule(dynamic, 1)
    for (std::int64_t task = 0; task < count; ++task) {
      try {
        body(task);
      } catch (...) {
        failures[static_cast<std::size_t>(task)] = std::current_exception();
      }
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure != nullptr) std::rethrow_exception(failure);
  }
}

}  // namespace tern
