#include "engine/core/parallel.h"

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

}  // namespace tern
