// Subnormal numbers are kept as IEEE 754 has them, or flushed, in every thread.
#include "engine/core/subnormals.h"

#include <doctest/doctest.h>

#include <atomic>
#include <limits>
#include <thread>

#include "engine/core/parallel.h"

using namespace tern;

namespace {

/// Whether 1e-38 / 4 * 4 is 0 here, and so is a subnormal operand times 1e20.
bool is_flushed() {
  volatile float small = 2e-38f, quarter = 0.25f, subnormal = std::numeric_limits<float>::denorm_min(),
                 large = 1e20f;
  const float result = small * quarter, product = subnormal * large;
  if ((result == 0) != (product == 0)) return false;
  return result == 0;
}

/// Of OpenMP's threads.
int flushed_threads() {
  std::atomic<int> flushed = 0;
  parallel_for(thread_count(), 1, [&](std::int64_t, std::int64_t) { flushed += is_flushed() ? 1 : 0; });
  return flushed;
}

bool is_flushed_in_a_new_thread() {
  bool flushed = false;
  std::thread([&] { flushed = is_flushed(); }).join();
  return flushed;
}

}  // namespace

TEST_CASE("subnormals: flushed from the call on, in OpenMP's threads and in new ones") {
  set_thread_count(3);
  CHECK(flushed_threads() == 0);  // which also starts them
  flush_subnormals();
  CHECK(is_flushed());
  CHECK(flushed_threads() == 3);
  CHECK(is_flushed_in_a_new_thread());
  flush_subnormals(false);
  CHECK_FALSE(is_flushed());
  CHECK(flushed_threads() == 0);
  CHECK_FALSE(is_flushed_in_a_new_thread());
}
