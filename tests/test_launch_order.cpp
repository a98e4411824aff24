// In which order the emulator lets blocks and threads take turns, and that a launch that never ends, ends.
#include <doctest/doctest.h>

#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/reduce.h"
#include "tests/support/kernel_failure.h"

using namespace tern;
using namespace tern::kernels;

namespace {

// Who comes first, second...
__global__ void takes_numbers(int* numbers, int* next) {
  numbers[blockIdx.x * blockDim.x + threadIdx.x] = atomicAdd(next, 1);
}

__global__ void takes_numbers_after_a_barrier(int* numbers, int* next) {
  __syncthreads();
  numbers[threadIdx.x] = atomicAdd(next, 1);
}

// Right in order of blocks alone: the sum so far, as if it were there when the block before is done.
__global__ void scans_without_order(const int* x, int* sums) {
  const unsigned i = blockIdx.x;
  if (threadIdx.x == 0) sums[i] = x[i] + (i == 0 ? 0 : sums[i - 1]);
}

__global__ void sums_blocks(const float* x, float* sums) {
  TERN_SHARED(float, partial, 32);
  const float sum = block_sum(x[blockIdx.x * blockDim.x + threadIdx.x], partial);
  if (threadIdx.x == 0) sums[blockIdx.x] = sum;
}

// Never ends.
__global__ void waits_for_a_flag(const volatile int* flag) {
  if (threadIdx.x == 5) {
    while (*flag == 0) {
    }
  }
}

__global__ void computes_forever(float* y) {
  unsigned x = threadIdx.x;
  while (x != 0xffffffffu)
    asm volatile("shl %0" : "+r"(x));  // or the compiler takes it for granted that it ends
  y[0] = static_cast<float>(x);
}

__global__ void computes_in_a_library_forever(float* y) {
  float x = 1;
  while (x > 0) x = expf(-x);
  y[0] = x;  // never
}

__global__ void gives_way_forever(int* y) {
  int x = static_cast<int>(threadIdx.x);
  while (__any_sync(kFullMask, x >= 0)) x = x / 2;
  y[threadIdx.x] = x;
}

__global__ void meets_itself_forever() {
  for (;;) __syncwarp(1u << threadIdx.x);
}

__global__ void waits_at_barriers_forever() {
  while (__syncthreads_or(1) != 0) {
  }
}

__global__ void locks_within_a_warp(int* lock, int* y) {
  while (atomicMax(lock, 1) != 0) {
  }
  __syncwarp();
  y[threadIdx.x] = 1;
  *lock = 0;
}

__global__ void spins_in_shared_memory() {
  TERN_SHARED(int, flag, 1);
  if (threadIdx.x == 0) flag[0] = 0;
  __syncthreads();
  volatile int* const seen = flag;
  while (*seen == 0) {
  }
}

struct Seed {
  explicit Seed(std::uint64_t seed) { emulator::set_order_seed(seed); }
  ~Seed() { emulator::set_order_seed(0); }
};

struct Patience {
  Patience(int of_thread, int of_launch) {
    emulator::set_patience(std::chrono::milliseconds(of_thread), std::chrono::milliseconds(of_launch));
  }
  ~Patience() { emulator::set_patience({}, {}); }
};

template <typename... Parameters>
std::string failure(dim3 blocks, dim3 threads, void (*kernel)(Parameters...),
                    std::type_identity_t<Parameters>... arguments) {
  return test::failure(blocks, threads, 0, kernel, arguments...);
}

std::string line_of(const std::string& text) {
  return test::line_of("test_launch_order.cpp", text);
}

std::vector<int> numbers_of(std::uint64_t seed, unsigned blocks, unsigned threads, int launches = 1) {
  const Seed seeded(seed);
  std::vector<int> numbers(blocks * threads);
  for (int i = 0; i < launches; ++i) {
    int next = 0;
    launch(takes_numbers, blocks, threads, 0, nullptr, numbers.data(), &next);
  }
  return numbers;
}

}  // namespace

TEST_CASE("launch order: without a seed, blocks and threads go in order") {
  const std::vector<int> numbers = numbers_of(0, 3, 70);
  for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(numbers[i] == static_cast<int>(i));
}

TEST_CASE("launch order: a seed gives an order of its own, of all, again and again") {
  const std::vector<int> numbers = numbers_of(1, 5, 70);
  CHECK(std::set<int>(numbers.begin(), numbers.end()).size() == 5 * 70);
  CHECK(numbers == numbers_of(1, 5, 70));
  CHECK(numbers != numbers_of(2, 5, 70));
  CHECK(numbers != numbers_of(1, 5, 70, 2));  // the second launch has another one
  CHECK(numbers_of(1, 5, 70, 2) == numbers_of(1, 5, 70, 2));
  std::set<int> first_blocks;  // each block comes first under some seed
  for (std::uint64_t seed = 1; seed < 40; ++seed) {
    const std::vector<int> of_seed = numbers_of(seed, 5, 1);
    for (int block = 0; block < 5; ++block) {
      if (of_seed[static_cast<std::size_t>(block)] == 0) first_blocks.insert(block);
    }
  }
  CHECK(first_blocks.size() == 5);
}

TEST_CASE("launch order: threads go on in another order after each barrier") {
  const Seed seeded(3);
  std::vector<int> numbers(64), again(64);
  int next = 0;
  launch(takes_numbers_after_a_barrier, 1, 64, 0, nullptr, numbers.data(), &next);
  CHECK(std::set<int>(numbers.begin(), numbers.end()).size() == 64);
  CHECK(numbers != numbers_of(3, 1, 64));
}

TEST_CASE("launch order: a kernel that relies on the order of blocks gives other results under other seeds") {
  const std::vector<int> x(16, 1);
  std::set<std::vector<int>> results;
  std::set<std::vector<float>> right_results;
  std::vector<float> y(16 * 96);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = 1.0f / static_cast<float>(i + 1);
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    const Seed seeded(seed);
    std::vector<int> sums(16);
    launch(scans_without_order, 16, 32, 0, nullptr, x.data(), sums.data());
    results.insert(sums);
    std::vector<float> block_sums(16);
    launch(sums_blocks, 16, 96, 0, nullptr, y.data(), block_sums.data());
    right_results.insert(block_sums);
  }
  CHECK(results.size() == 5);
  CHECK(right_results.size() == 1);
}

TEST_CASE("launch order: a thread that never ends is an error that says where it is") {
  const Patience patience(50, 0);
  std::vector<float> y(64);
  int flag = 0, lock = 0;
  std::vector<int> z(64);
  const std::string text = failure(2, 32, waits_for_a_flag, &flag);
  CHECK_FAILS(text, "block (0, 0, 0), thread (5, 0, 0): the thread has run for ");
  CHECK_FAILS(text, " ms without giving way to others, at ");
  CHECK_FAILS(text, line_of("while (*flag == 0)"));
  CHECK_FAILS(failure(1, 32, computes_forever, y.data()), "thread (0, 0, 0): the thread has run for");
  // Of a loop that touches nothing any instruction may be the one that is interrupted, and its jump may count to the line below.
  const auto fails_at = [](const std::string& fault, const char* line, const char* or_line) {
    CHECK_MESSAGE((test::contains(fault, line_of(line)) || test::contains(fault, line_of(or_line))), fault);
  };
  fails_at(failure(1, 32, computes_forever, y.data()), "x != 0xffffffffu", "asm volatile(");
  fails_at(failure(1, 32, computes_in_a_library_forever, y.data()), "x = expf(-x)", "y[0] = x;  // never");
  CHECK_FAILS(failure(1, 32, locks_within_a_warp, &lock, z.data()),
              "thread (1, 0, 0): the thread has run for");
  CHECK_FAILS(failure(1, 32, spins_in_shared_memory), line_of("while (*seen == 0)"));
  CHECK_FAILS(failure(1, 32, meets_itself_forever), line_of("for (;;) __syncwarp"));
  std::vector<float> sums(2);
  launch(sums_blocks, 2, 32, 0, nullptr, y.data(), sums.data());  // clean after all that
  CHECK(sums[0] == 0);
}

TEST_CASE("launch order: a launch that never ends is an error that says where it is") {
  const Patience patience(0, 50);
  std::vector<int> y(64);
  CHECK_FAILS(failure(1, 32, gives_way_forever, y.data()), "the launch has run for ");
  CHECK_FAILS(failure(1, 32, gives_way_forever, y.data()), line_of("__any_sync("));
  CHECK_FAILS(failure(1, 64, waits_at_barriers_forever), line_of("while (__syncthreads_or(1)"));
  std::vector<float> x(32), sums(1);
  CHECK(failure(1, 32, sums_blocks, x.data(), sums.data()) == "");
  // A grid of blocks that each end soon, which all together do not.
  CHECK_FAILS(failure(dim3(1 << 30, 1, 1), 1, takes_numbers_after_a_barrier, y.data(), &y[1]),
              "the launch has run for");
}
