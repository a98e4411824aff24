// What the emulator must catch, on kernels that are wrong on purpose, and that it runs right ones as CUDA
// does.
#include <doctest/doctest.h>

#include <limits>
#include <numeric>

#include "engine/core/check.h"
#include "kernels/common/reduce.h"
#include "kernels/common/vector.h"
#include "tests/support/kernel_failure.h"

using namespace tern;
using namespace tern::kernels;

namespace {

constexpr std::int64_t kThreads = 64;

__global__ void block_sums(const float* x, float* sums) {
  TERN_SHARED(float, partial_sum, 32);
  TERN_SHARED(float, partial_most, 32);
  const float sum = block_sum(x[blockIdx.x * blockDim.x + threadIdx.x], partial_sum);
  const float most = block_max(x[blockIdx.x * blockDim.x + threadIdx.x], partial_most);
  if (threadIdx.x == 0) sums[2 * blockIdx.x] = sum;
  if (threadIdx.x == 0) sums[2 * blockIdx.x + 1] = most;
}

// Each warp by its halves, under two masks at once.
__global__ void half_warp_sums(int* sums) {
  const int lane = static_cast<int>(threadIdx.x);
  const unsigned mask = lane < 16 ? 0x0000ffffu : 0xffff0000u;
  int sum = lane;
  for (int distance = 8; distance > 0; distance /= 2) sum += __shfl_xor_sync(mask, sum, distance);
  sums[lane] = sum;
}

__global__ void votes_and_atomics(int* results) {
  TERN_SHARED(int, counter, 1);
  const int lane = static_cast<int>(threadIdx.x % 32);
  if (threadIdx.x == 0) counter[0] = 0;
  __syncthreads();
  atomicAdd(&counter[0], 2);
  const int odd = __syncthreads_count(lane % 2);
  const unsigned ballot = __ballot_sync(kFullMask, lane < 3);
  const int neighbour = __shfl_down_sync(kFullMask, lane, 1);
  if (threadIdx.x != 0) return;
  results[0] = counter[0];
  results[1] = odd;
  results[2] = static_cast<int>(ballot);
  results[3] = neighbour;
}

__global__ void reverses(const int* x, int* y) {
  TERN_DYNAMIC_SHARED(int, row);
  row[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = row[blockDim.x - 1 - threadIdx.x];
}

// Doubles by declaration, two floats each by use.
__global__ void shares_floats_of_doubles(float* y, bool same) {
  TERN_SHARED(double, raw, 32);
  float* const floats = reinterpret_cast<float*>(raw);
  floats[same ? threadIdx.x / 2 : threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncthreads();
  y[threadIdx.x] = floats[63 - threadIdx.x];
}

// Two lanes read an element and the second writes it: what the __syncwarp has put in order.
__global__ void reads_before_a_warp_barrier(int* y, bool with_barrier) {
  TERN_SHARED(int, counter, 1);
  if (threadIdx.x == 0) counter[0] = 5;
  __syncwarp();
  if (threadIdx.x == 0) y[0] = counter[0];
  if (with_barrier) __syncwarp();
  if (threadIdx.x == 1) counter[0] = counter[0] + 1;
  __syncwarp();
  if (threadIdx.x == 2) y[1] = counter[0];
}

__global__ void misses_a_barrier() {
  if (threadIdx.x == 3) return;
  __syncthreads();
}

__global__ void takes_two_barriers() {
  if (threadIdx.x < 32) {
    __syncthreads();
  } else {
    __syncthreads();
  }
}

__global__ void shuffles_with_part_of_a_warp(int* y) {
  if (threadIdx.x < 5) y[threadIdx.x] = __shfl_sync(kFullMask, 1, 0);
}

__global__ void reads_a_lane_outside_its_mask(int* y) {
  if (threadIdx.x < 16) y[threadIdx.x] = __shfl_sync(0xffffu, 1, 20);
}

__global__ void writes_outside() {
  TERN_SHARED(float, tile, 32);
  float* const begin = tile;  // of no known length, or UndefinedBehaviorSanitizer says it first
  begin[threadIdx.x] = 1;
}

__global__ void writes_before_the_array() {
  TERN_DYNAMIC_SHARED(float, tile);
  tile[static_cast<int>(threadIdx.x) - 1] = 1;
}

__global__ void writes_far_outside(int index) {
  TERN_SHARED(float, first, 32);
  TERN_SHARED(float, tile, 32);
  float* const begin = tile;
  first[threadIdx.x % 32] = 1;
  begin[index] = 1;
}

// Four elements at once, each of which another thread reads.
__global__ void copies_vectors(const float* x, float* y) {
  TERN_SHARED(float, tile, 4 * kThreads);
  store_vector(&tile[4 * threadIdx.x], load_vector<4>(x + 4 * threadIdx.x));
  __syncthreads();
  for (int i = 0; i < 4; ++i) y[4 * threadIdx.x + i] = tile[(4 * threadIdx.x + i + 2) % (4 * kThreads)];
}

__global__ void copies_vectors_without_a_barrier(const float* x, float* y) {
  TERN_SHARED(float, tile, 4 * kThreads);
  store_vector(&tile[4 * threadIdx.x], load_vector<4>(x + 4 * threadIdx.x));
  y[threadIdx.x] = tile[4 * threadIdx.x == 0 ? 0 : 4 * threadIdx.x - 1];
}

__global__ void reads_unwritten(float* y) {
  TERN_SHARED(float, tile, 64);
  if (threadIdx.x != 5) tile[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x];
}

// Written in the block before, forgotten in this one.
__global__ void reads_what_the_last_block_left(float* y) {
  TERN_SHARED(float, tile, 64);
  if (blockIdx.x == 0) tile[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = tile[threadIdx.x];
}

__global__ void reads_without_a_barrier(float* y) {
  TERN_SHARED(float, tile, 64);
  tile[threadIdx.x] = 1;
  y[threadIdx.x] = tile[threadIdx.x == 0 ? 0 : threadIdx.x - 1];
}

__global__ void writes_after_reads_without_a_barrier(float* y) {
  TERN_SHARED(float, tile, 64);
  tile[threadIdx.x] = 1;
  __syncthreads();
  y[threadIdx.x] = tile[0];
  if (threadIdx.x == 63) tile[0] = 2;
}

__global__ void adds_without_atomics(int* y) {
  TERN_SHARED(int, sum, 1);
  if (threadIdx.x == 0) sum[0] = 0;
  __syncthreads();
  sum[0] += 1;
  __syncthreads();
  y[threadIdx.x] = sum[0];
}

// Two reductions in a row need an array each.
__global__ void reduces_twice_in_one_array(float* y) {
  TERN_SHARED(float, partial, 32);
  y[threadIdx.x] = block_sum(1, partial) + block_max(1, partial);
}

// Within a warp a __syncwarp is enough.
__global__ void neighbours_within_a_warp(float* y) {
  TERN_SHARED(float, tile, 64);
  tile[threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncwarp();
  y[threadIdx.x] = tile[threadIdx.x ^ 1];
}

__global__ void neighbours_across_warps(float* y) {
  TERN_SHARED(float, tile, 64);
  tile[threadIdx.x] = static_cast<float>(threadIdx.x);
  __syncwarp();
  y[threadIdx.x] = tile[63 - threadIdx.x];
}

template <typename... Parameters>
std::string failure(void (*kernel)(Parameters...), std::type_identity_t<Parameters>... arguments) {
  return test::failure(2, kThreads, 64 * sizeof(float), kernel, arguments...);
}

}  // namespace

TEST_CASE("emulator: reductions, votes, atomics and shared memory do what CUDA's do") {
  std::vector<float> x(2 * kThreads), sums(4);
  std::iota(x.begin(), x.end(), 0.0f);
  const std::int64_t launches = emulator::launch_count();
  launch(block_sums, 2, kThreads, 0, nullptr, x.data(), sums.data());
  CHECK(emulator::launch_count() == launches + 1);
  CHECK(sums == std::vector<float>{2016, 63, 6112, 127});

  std::vector<int> halves(32);
  launch(half_warp_sums, 1, 32, 0, nullptr, halves.data());
  CHECK(halves[0] == 120);
  CHECK(halves[31] == 376);

  std::vector<int> results(4);
  launch(votes_and_atomics, 1, kThreads, 0, nullptr, results.data());
  CHECK(results == std::vector<int>{128, 32, 7, 1});

  std::vector<int> forwards(kThreads), backwards(kThreads);
  std::iota(forwards.begin(), forwards.end(), 0);
  launch(reverses, 1, kThreads, kThreads * sizeof(int), nullptr, forwards.data(), backwards.data());
  CHECK(backwards[0] == 63);
  CHECK(backwards[63] == 0);

  std::vector<float> neighbours(kThreads);
  launch(neighbours_within_a_warp, 1, kThreads, 0, nullptr, neighbours.data());
  CHECK(neighbours[6] == 7);

  std::vector<float> vectors(4 * kThreads), moved(vectors.size());
  std::iota(vectors.begin(), vectors.end(), 0.0f);
  launch(copies_vectors, 1, kThreads, 0, nullptr, vectors.data(), moved.data());
  CHECK(moved[0] == 2);
  CHECK(moved.back() == 1);

  launch(block_sums, 0, kThreads, 0, nullptr, x.data(), sums.data());  // an empty grid
  CHECK_THROWS_WITH_AS(launch(block_sums, 1, 1025, 0, nullptr, x.data(), sums.data()),
                       "launch: wanted blocks of 1 to 1024 threads, got 1025 x 1 x 1", Error);
}

TEST_CASE("emulator: a missed barrier is an error that says who waits") {
  const std::string text = failure(misses_a_barrier);
  CHECK_FAILS(text, "block (0, 0, 0), thread (0, 0, 0): waits at __syncthreads for threads that never come");
  CHECK_FAILS(text, "of 64 threads 63 wait, 1 has ended");
  CHECK_FAILS(failure(takes_two_barriers),
              "is at another __syncthreads than block (0, 0, 0), thread (0, 0, 0), which is at ");
  std::vector<int> y(kThreads);
  CHECK_FAILS(failure(shuffles_with_part_of_a_warp, y.data()),
              "waits at __shfl_sync with mask 0xffffffff for lanes that never come");
  CHECK_FAILS(failure(reads_a_lane_outside_its_mask, y.data()), "asks for lane 20, which its mask");
}

TEST_CASE("emulator: shared memory outside an array, or unwritten, is an error") {
  std::vector<float> y(kThreads);
  CHECK_FAILS(failure(writes_outside), "thread (32, 0, 0): shared array 'tile': element 32 of 32 is outside");
  CHECK_FAILS(failure(writes_before_the_array), "element -1 of 64 is outside");
  CHECK_FAILS(failure(writes_far_outside, 1 << 20), "shared array 'tile': element 1048576 of 32 is outside");
  CHECK_FAILS(failure(writes_far_outside, std::numeric_limits<int>::max()), "element 2147483647 of 32");
  CHECK_FAILS(failure(writes_far_outside, std::numeric_limits<int>::min()), "is outside");
  CHECK_FAILS(failure(reads_unwritten, y.data()), "element 5 of 64 is read, but nobody has written it");
  CHECK_FAILS(failure(reads_what_the_last_block_left, y.data()), "block (1, 0, 0)");
}

TEST_CASE("emulator: two threads that meet in shared memory without a barrier are an error") {
  std::vector<float> y(kThreads);
  std::vector<int> z(kThreads);
  CHECK_FAILS(failure(reads_without_a_barrier, y.data()), "is read with no barrier after thread 0 wrote it");
  CHECK_FAILS(failure(writes_after_reads_without_a_barrier, y.data()),
              "is written with no barrier after another");
  CHECK_FAILS(failure(reduces_twice_in_one_array, y.data()), "is written with no barrier after another");
  CHECK_FAILS(failure(adds_without_atomics, z.data()), "with no barrier");
  std::vector<float> vectors(4 * kThreads);
  CHECK_FAILS(failure(copies_vectors_without_a_barrier, vectors.data(), y.data()),
              "element 3 of 256 is read with no barrier after thread 0 wrote it");
  CHECK_FAILS(failure(neighbours_across_warps, y.data()), "shared array 'tile': element 32 of 64 is read");
  CHECK(failure(shares_floats_of_doubles, y.data(), false) == "");
  CHECK(y[0] == 63);
  CHECK_FAILS(failure(shares_floats_of_doubles, y.data(), true),
              "element 0 of 32 is written with no barrier");
  CHECK_FAILS(failure(reads_before_a_warp_barrier, z.data(), false),
              "is written with no barrier after another");
  CHECK(failure(reads_before_a_warp_barrier, z.data(), true) == "");
  CHECK(z[0] == 5);
  CHECK(z[1] == 6);
}

TEST_CASE("emulator: after an error the next launch is clean") {
  CHECK(failure(misses_a_barrier) != "");
  std::vector<float> y(kThreads);
  launch(neighbours_within_a_warp, 1, kThreads, 0, nullptr, y.data());
  CHECK(y[0] == 1);
}
