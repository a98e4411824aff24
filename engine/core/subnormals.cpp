#include "engine/core/subnormals.h"

#include <omp.h>

#include <cstdint>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace tern {
namespace {

void flush_in_this_thread([[maybe_unused]] bool flush) {
#if defined(__x86_64__)
  constexpr unsigned kResults = 1u << 15,
                     kOperands = 1u << 6;  // FTZ and DAZ: Intel's manual, volume 1, 10.2.3
  const unsigned others = _mm_getcsr() & ~(kResults | kOperands);
  _mm_setcsr(flush ? others | kResults | kOperands : others);
#elif defined(__aarch64__)
  constexpr std::uint64_t kFlush = std::uint64_t{1} << 24;  // FZ
  std::uint64_t control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  control = flush ? control | kFlush : control & ~kFlush;
  asm volatile("msr fpcr, %0" : : "r"(control));
#endif
}

}  // namespace

void flush_subnormals(bool flush) {
  flush_in_this_thread(flush);  // a thread begins with its starter's setting
#pragma omp parallel num_threads(omp_get_max_threads())
  flush_in_this_thread(flush);
}

}  // namespace tern
