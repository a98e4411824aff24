// Counts of a launch of which a sample of blocks is run, against those of the whole launch.
#include "kernels/common/emulator/profile/block_sample.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "engine/core/check.h"
#include "kernels/common/emulator/global_memory.h"
#include "kernels/common/emulator/profile/kernel_report.h"
#include "kernels/common/kernel.h"
#include "kernels/common/launch.h"

using namespace tern;
using namespace tern::kernels;
using emulator::BlockBox;
using emulator::LaunchProfile;
using emulator::Profile;
using emulator::ProfileOptions;

namespace {

constexpr int kRows = 8, kColumns = 32;

// c = a b by tiles of 8 x 32: blocks of a row share a's rows, those of a column b's columns.
__global__ void multiplies(const float* a, const float* b, float* c, int n) {
  TERN_SHARED(float, tile_a, kRows* kRows);
  TERN_SHARED(float, tile_b, kRows* kColumns);
  const int x = static_cast<int>(threadIdx.x), y = static_cast<int>(threadIdx.y);
  const int row = static_cast<int>(blockIdx.y) * kRows + y,
            column = static_cast<int>(blockIdx.x) * kColumns + x;
  float sum = 0;
  for (int first = 0; first < n; first += kRows) {
    if (x < kRows) tile_a[y * kRows + x] = a[row * n + first + x];
    tile_b[y * kColumns + x] = b[(first + y) * n + column];
    __syncthreads();
    for (int k = 0; k < kRows; ++k) sum += tile_a[y * kRows + k] * tile_b[k * kColumns + x];
    __syncthreads();
  }
  c[row * n + column] = sum;
}

// Each block its own part, and all of them one table.
__global__ void looks_up(const float* x, const float* table, float* y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = table[i % 64] * x[i];
}

// Sums of five neighbours: blocks share the ends of their parts.
__global__ void smooths(const float* x, float* y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  float sum = 0;
  for (unsigned j = 0; j < 5; ++j) sum += x[i + j * 8];
  y[i] = sum;
}

__global__ void counts_all(int* count) {
  atomicAdd(count, 1);
}

__global__ void counts_by_row(int* counts) {
  atomicAdd(&counts[blockIdx.y], 1);
}

__global__ void copies(const float* x, float* y) {
  const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
  y[i] = x[i];
}

/// Aligned as device memory is.
class Floats {
 public:
  explicit Floats(std::size_t count)
      : count_(count), memory_(static_cast<float*>(std::aligned_alloc(256, (count * 4 + 255) / 256 * 256))) {
    std::fill_n(memory_.get(), count, 1.0f);
  }
  operator float*() const { return memory_.get(); }
  std::size_t bytes() const { return count_ * sizeof(float); }

 private:
  struct Free {
    void operator()(float* memory) const { std::free(memory); }
  };
  std::size_t count_;
  std::unique_ptr<float, Free> memory_;
};

template <typename Launch>
LaunchProfile profile_of(std::size_t cache_bytes, std::int64_t sample_blocks, Launch launch) {
  Profile profile({.cache = {.bytes = cache_bytes}, .sample_blocks = sample_blocks});
  launch();
  return profile.launches().at(0);
}

/// Of the whole launch, and of 16 of its blocks.
template <typename Launch>
std::pair<LaunchProfile, LaunchProfile> whole_and_sample(std::size_t cache_bytes, Launch launch) {
  return {profile_of(cache_bytes, 0, launch), profile_of(cache_bytes, 16, launch)};
}

void check_equal_counts(const LaunchProfile& whole, const LaunchProfile& sample) {
  REQUIRE(whole.instructions.size() == sample.instructions.size());
  for (std::size_t i = 0; i < whole.instructions.size(); ++i) {
    CAPTURE(i);
    for (const auto count : emulator::AccessCounts::kAll)
      CHECK(whole.instructions[i].counts.*count == sample.instructions[i].counts.*count);
  }
  CHECK(whole.block_barriers == sample.block_barriers);
  CHECK(whole.block_sectors_read == sample.block_sectors_read);
  CHECK(whole.load_rounds == sample.load_rounds);
  CHECK(whole.sectors_read == sample.sectors_read);
  CHECK(whole.sectors_written == sample.sectors_written);
}

double predicted_us(const LaunchProfile& launch, const char* device) {
  return predict(work_of(launch, 32), emulator::device(device)).work_us;
}

/// The size of what a differs from b, of b.
template <typename Number>
double difference(Number a, Number b) {
  return std::fabs(static_cast<double>(a) - static_cast<double>(b)) / static_cast<double>(b);
}

}  // namespace

TEST_CASE("block sample: a box from the middle, as long along each axis as can be") {
  struct Row {
    dim3 grid;
    std::int64_t most;
    uint3 begin;
    dim3 extents;
  };
  for (const Row& row : {Row{{1024}, 16, {512, 0, 0}, {16}}, Row{{128, 128}, 16, {64, 64, 0}, {4, 4}},
                         Row{{128, 128}, 9, {64, 64, 0}, {4, 2}}, Row{{3, 100}, 16, {0, 48, 0}, {3, 4}},
                         Row{{4, 4, 4}, 8, {2, 2, 2}, {2, 2, 2}}, Row{{2, 3}, 64, {0, 0, 0}, {2, 3}},
                         Row{{7}, 4, {0, 0, 0}, {4}}, Row{{1, 1, 9}, 4, {0, 0, 4}, {1, 1, 4}}}) {
    const BlockBox box = emulator::middle_blocks(row.grid, row.most);
    CAPTURE(row.grid.x);
    CAPTURE(row.grid.y);
    CHECK(box.begin.x == row.begin.x);
    CHECK(box.begin.y == row.begin.y);
    CHECK(box.begin.z == row.begin.z);
    CHECK(box.extents.x == row.extents.x);
    CHECK(box.extents.y == row.extents.y);
    CHECK(box.extents.z == row.extents.z);
    CHECK(box.count() <= row.most);
  }
}

TEST_CASE(
    "block sample: a product by tiles, counts exactly in proportion, traffic past a large L2 and a small "
    "one") {
  constexpr int n = 160;
  const Floats a(n * n), b(n * n), c(n * n);
  const auto multiply = [&] {
    launch(multiplies, dim3(n / kColumns, n / kRows), dim3(kColumns, kRows), 0, nullptr, (const float*)a,
           (const float*)b, (float*)c, n);
  };
  constexpr std::int64_t matrix = n * n / 8;  // sectors
  const LaunchProfile whole = profile_of(1 << 20, 0, multiply),
                      whole_past_small = profile_of(32 << 10, 0, multiply);
  CHECK(whole.blocks_run == 100);
  for (const std::int64_t blocks : {4, 8, 16}) {
    CAPTURE(blocks);
    const LaunchProfile sample = profile_of(1 << 20, blocks, multiply);
    CHECK(sample.blocks_run == blocks);
    CHECK(sample.blocks() == 100);
    check_equal_counts(whole, sample);
    CHECK(sample.cache.read_misses == 2 * matrix);
    CHECK(sample.cache.read_misses == whole.cache.read_misses);
    CHECK(sample.cache.read_hits == whole.cache.read_hits);
    CHECK(sample.cache.written_back == whole.cache.written_back);
    for (const char* const device : {"H100", "A100", "T4"})
      CHECK(predicted_us(sample, device) == doctest::Approx(predicted_us(whole, device)));
    // Of b, which does not fit, each row of blocks fetches all anew.
    const LaunchProfile past_small = profile_of(32 << 10, blocks, multiply);
    CHECK(past_small.cache.read_misses == matrix + matrix * n / kRows);
    CHECK(difference(past_small.cache.read_misses, whole_past_small.cache.read_misses) < 0.05);
    CHECK(past_small.cache.written_back == whole_past_small.cache.written_back);
    CHECK(difference(predicted_us(past_small, "T4"), predicted_us(whole_past_small, "T4")) < 0.05);
  }
}

TEST_CASE("block sample: parts, a table, and parts that overlap") {
  constexpr unsigned blocks = 512, threads = 128;
  const Floats x(blocks * threads + 64), table(64), y(blocks * threads);
  const auto [whole, sample] = whole_and_sample(1 << 20, [&] {
    launch(looks_up, blocks, threads, 0, nullptr, (const float*)x, (const float*)table, (float*)y);
  });
  check_equal_counts(whole, sample);
  CHECK(sample.cache.read_misses == whole.cache.read_misses);
  const auto [smoothed, estimated] = whole_and_sample(
      1 << 20, [&] { launch(smooths, blocks, threads, 0, nullptr, (const float*)x, (float*)y); });
  CHECK(difference(estimated.sectors_read, smoothed.sectors_read) < 0.05);
  CHECK(difference(estimated.cache.read_misses, smoothed.cache.read_misses) < 0.05);
  CHECK(difference(predicted_us(estimated, "A100"), predicted_us(smoothed, "A100")) < 0.05);
}

TEST_CASE("block sample: atomics at one address, and at one for each row of blocks") {
  int counts[16] = {};
  const auto [whole, sample] =
      whole_and_sample(0, [&] { launch(counts_all, dim3(32, 16), 32, 0, nullptr, counts); });
  CHECK(whole.hottest_atomics == 32 * 16);
  CHECK(sample.hottest_atomics == 32 * 16);
  const auto [by_row, row_sample] =
      whole_and_sample(0, [&] { launch(counts_by_row, dim3(32, 16), 32, 0, nullptr, counts); });
  CHECK(by_row.hottest_atomics == 32);
  CHECK(row_sample.hottest_atomics == 32);
}

TEST_CASE(
    "block sample: a launch of few blocks is run whole; what others would have written counts as written") {
  constexpr unsigned blocks = 64, threads = 32;
  emulator::set_global_checks({.bounds = true, .unwritten = true});
  const Floats x(blocks * threads), y(blocks * threads), z(blocks * threads);
  for (const Floats* one : {&x, &y, &z}) emulator::add_allocation(*one, one->bytes(), "floats");
  emulator::mark_written(x, x.bytes());
  {
    Profile profile({.sample_blocks = 16});
    CHECK_THROWS_AS(launch(copies, blocks, threads, 0, nullptr, (const float*)y, (float*)z), Error);
    launch(copies, 16, threads, 0, nullptr, (const float*)x, (float*)y);
    CHECK(profile.launches().at(0).blocks_run == 16);
    CHECK_THROWS_AS(launch(copies, blocks, threads, 0, nullptr, (const float*)y, (float*)z),
                    Error);  // of the middle
    launch(copies, blocks, threads, 0, nullptr, (const float*)x, (float*)y);
    CHECK(profile.launches().at(1).blocks_run == 16);
    CHECK(profile.launches().at(1).blocks() == blocks);
  }
  CHECK_NOTHROW(launch(copies, blocks, threads, 0, nullptr, (const float*)y, (float*)z));
  for (const Floats* one : {&x, &y, &z}) emulator::remove_allocation(*one);
  emulator::set_global_checks({});
}

TEST_CASE("block sample: too many blocks are refused") {
  CHECK_THROWS_WITH_AS(Profile({.sample_blocks = 65}), doctest::Contains("at most 64"), Error);
  CHECK_THROWS_AS(Profile({.sample_blocks = -1}), Error);
}
