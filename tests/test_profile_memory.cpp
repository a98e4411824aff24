// What caches see of a launch, what bounds need of it, and one warp step by step: on patterns known by hand.
#include <doctest/doctest.h>

#include <bit>
#include <vector>

#include "engine/core/check.h"
#include "kernels/common/emulator/profile/cache_model.h"
#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/emulator/profile/trace_recorder.h"
#include "kernels/common/kernel.h"
#include "kernels/common/launch.h"

using namespace tern;
using namespace tern::kernels;
using namespace tern::emulator;
using Kind = TraceStep::Kind;

namespace {

/// Each block reads the whole array, so many times.
__global__ void reads_again(const float* x, float* y, int count, int times) {
  float sum = 0;
  for (int time = 0; time < times; ++time) {
    for (int i = static_cast<int>(threadIdx.x); i < count; i += static_cast<int>(blockDim.x)) sum += x[i];
    __syncthreads();
  }
  y[blockIdx.x * blockDim.x + threadIdx.x] = sum;
}

__global__ void counts_at(int* places, int distance) {
  atomicAdd(&places[static_cast<int>(threadIdx.x) % 2 * distance], 1);
}

__global__ void reduces(const float* x, float* y) {
  TERN_SHARED(float, partial, 64);
  partial[threadIdx.x] = x[threadIdx.x];
  __syncthreads();
  for (unsigned half = 32; half > 0; half /= 2) {
    if (threadIdx.x < half) partial[threadIdx.x] += partial[threadIdx.x + half];
    __syncthreads();
  }
  if (threadIdx.x == 0) y[0] = partial[0];
}

alignas(128) float values[8192];
alignas(128) float results[1024];

LaunchProfile profile_reads(unsigned blocks, int count, int times, std::size_t cache_bytes) {
  Profile profile({.cache = {.bytes = cache_bytes}});
  launch(reads_again, blocks, 256, 0, nullptr, values, results, count, times);
  return profile.launches().at(0);
}

}  // namespace

TEST_CASE("cache: streaming, twice over a small array and over one that does not fit") {
  Cache cache({.bytes = 4096, .ways = 4});  // 128 sectors
  const auto read_all = [&](std::uintptr_t sectors, int times) {
    for (int time = 0; time < times; ++time) {
      for (std::uintptr_t sector = 0; sector < sectors; ++sector) cache.read(sector);
    }
    return cache.take();
  };
  CHECK(read_all(1000, 1).read_misses == 1000);
  CHECK(read_all(128, 2).read_misses == 128);
  CHECK(read_all(128, 2).read_hits == 128);
  CHECK(read_all(256, 2).read_misses == 512);  // each line is gone before it is read again
  CHECK(read_all(256, 2).read_hits == 0);
  // A quarter more than fits: sets of five lines in four ways.
  CHECK(read_all(160, 2).read_hits == 0);
  CHECK(read_all(144, 2).read_hits == 4 * 4 * 4);  // four of the eight sets have five lines, the others four
}

TEST_CASE("cache: writes are kept until their line must go, a line is fetched by sectors") {
  Cache cache({.bytes = 4096, .ways = 4});
  for (int time = 0; time < 3; ++time) cache.write(5);
  cache.read(5);
  cache.read(6);  // of the same line, but not fetched
  const CacheCounts counts = cache.take();
  CHECK(counts.read_hits == 1);
  CHECK(counts.read_misses == 1);
  CHECK(counts.written_back == 1);
  for (std::uintptr_t sector = 0; sector < 256; ++sector) cache.write(sector);
  CHECK(cache.take().written_back == 256);
  CHECK(!Cache({.bytes = 0}).is_on());
  CHECK_THROWS_WITH_AS(Cache({.bytes = 1, .ways = 0}),
                       "CacheModel: wanted at most 1 GiB in 1 to 1024 ways, got 1 bytes in 0 ways", Error);
  CHECK_THROWS_AS(Cache({.bytes = std::size_t{1} << 40}), Error);
}

TEST_CASE("profile: what L1 and L2 see of blocks that read the same") {
  const LaunchProfile once = profile_reads(1, 8192, 1, 0);
  CHECK(once.total(Space::global, Access::read).sectors == 1024);
  CHECK(once.total(Space::global, Access::read).lines == 256);
  CHECK(once.block_sectors_read == 1024);
  CHECK(once.cache.read_misses == 0);
  const LaunchProfile thrice = profile_reads(2, 8192, 3, 64 << 10);
  CHECK(thrice.sectors_read == 1024);
  CHECK(thrice.block_sectors_read == 2048);  // each block's L1 keeps it
  CHECK(thrice.cache.read_misses == 1024);
  CHECK(thrice.cache.read_hits == 1024);
  CHECK(thrice.cache.written_back == 64);
  const LaunchProfile small = profile_reads(2, 8192, 1, 8 << 10);
  CHECK(small.cache.read_hits == 0);
  CHECK(thrice.load_misses == 2 * 8192 / 32);
  CHECK(thrice.load_rounds == 2 * 8);  // the second and third time L1 has it
  CHECK(thrice.blocks() == 2);
  CHECK(thrice.warps() == 16);
}

TEST_CASE("profile: atomics at the hottest address") {
  std::vector<int> places(64);
  Profile profile;
  launch(counts_at, 3, 64, 0, nullptr, places.data(), 1);
  CHECK(profile.launches()[0].hottest_atomics == 6);  // a warp's at one address are one
  CHECK(profile.launches()[0].total(Space::global, Access::atomic).contended == 6 * 30);
  launch(counts_at, 3, 64, 0, nullptr, places.data(), 0);
  CHECK(profile.launches()[1].hottest_atomics == 6);
}

TEST_CASE("profile: the worst request of an instruction is kept") {
  Profile profile;
  profile.name_array(values, sizeof(values), sizeof(float), "x");
  launch(reads_again, 2, 32, 0, nullptr, values + 1, results, 64, 1);
  const LaunchProfile& launched = profile.launches().at(0);
  for (const InstructionCounts& one : launched.instructions) {
    CHECK(one.worst.lanes == ~0u);
    CHECK(one.worst.bytes == 4);
    if (one.access != Access::read) continue;
    CHECK(one.worst.addresses[0] == reinterpret_cast<std::uintptr_t>(values + 1));
    CHECK(one.worst.addresses[31] == reinterpret_cast<std::uintptr_t>(values + 32));
    CHECK(one.worst.block.x == 0);
  }
  REQUIRE(launched.arrays.size() == 1);
  CHECK(launched.arrays[0].name == "x");
}

TEST_CASE("trace: a reduction, step by step") {
  for (int i = 0; i < 64; ++i) values[i] = static_cast<float>(i);
  Profile profile({.trace = {.launch = 1, .block = {0, 0, 0}, .warp = 0}});
  launch(reduces, 1, 64, 0, nullptr, values, results);
  launch(reduces, 1, 64, 0, nullptr, values, results);
  CHECK(profile.launches()[0].trace.empty());
  const LaunchProfile& launched = profile.launches()[1];
  const std::vector<TraceStep>& steps = launched.trace;
  // Load, store, barrier; six times two loads, a store and a barrier; a load and a store.
  REQUIRE(steps.size() == 3 + 6 * 4 + 2);
  CHECK(!launched.trace_is_cut);
  CHECK(steps[0].kind == Kind::read);
  CHECK(steps[0].space == Space::global);
  CHECK(steps[0].lanes == ~0u);
  CHECK(std::bit_cast<float>(static_cast<std::uint32_t>(steps[0].values[7])) == 7);
  CHECK(steps[1].kind == Kind::write);
  CHECK(steps[1].space == Space::shared);
  CHECK(std::bit_cast<float>(static_cast<std::uint32_t>(steps[1].values[7])) == 7);
  CHECK(steps[2].kind == Kind::block_barrier);
  CHECK(std::string(steps[2].operation) == "__syncthreads");
  // The first round leaves x[i] + x[i + 32].
  CHECK(steps[5].kind == Kind::write);
  CHECK(std::bit_cast<float>(static_cast<std::uint32_t>(steps[5].values[3])) == 3 + 35);
  CHECK(steps[5 + 4].lanes == 0xffffu);
  CHECK(std::bit_cast<float>(static_cast<std::uint32_t>(steps.back().values[0])) == 63 * 32);
  CHECK(steps.back().lanes == 1);
  REQUIRE(launched.arrays.size() == 1);
  CHECK(launched.arrays[0].name == "partial");
  CHECK(launched.arrays[0].bytes == 256);
}

TEST_CASE("trace: of the other warp, cut") {
  Profile profile({.trace = {.launch = 0, .warp = 1, .most_steps = 5}});
  launch(reduces, 1, 64, 0, nullptr, values, results);
  CHECK(profile.launches()[0].trace.size() == 5);
  CHECK(profile.launches()[0].trace_is_cut);
}

TEST_CASE("timeline: a reduction of two warps, of which one soon waits") {
  Profile profile({.trace = {.launch = 0, .block = {1, 0, 0}}});
  launch(reduces, 2, 64, 0, nullptr, values, results + 8);
  const std::vector<BlockStretch>& timeline = profile.launches().at(0).timeline;
  REQUIRE(timeline.size() == 1 + 6 + 1);  // to the first barrier, six rounds, and after the last one
  for (const BlockStretch& stretch : timeline) REQUIRE(stretch.warps.size() == 2);
  for (const WarpStretch& warp : timeline[0].warps) {
    CHECK(warp.lanes == ~0u);
    CHECK(warp.global == 32);
    CHECK(warp.shared == 32);
  }
  CHECK(std::string(timeline[0].barrier) == "__syncthreads");
  CHECK(timeline[1].warps[0].shared == 3 * 32);  // two loads and a store
  CHECK(timeline[1].warps[1].lanes == 0);
  CHECK(timeline[3].warps[0].lanes == 0xffu);
  CHECK(timeline[7].warps[0].lanes == 1);
  CHECK(timeline[7].warps[0].global == 1);
  CHECK(std::string(timeline[7].barrier).empty());
}

TEST_CASE("timeline: cut, and none of a launch that is not traced") {
  Profile profile({.trace = {.launch = 1, .most_steps = 5}});
  launch(reduces, 1, 64, 0, nullptr, values, results);
  launch(reduces, 1, 64, 0, nullptr, values, results);
  CHECK(profile.launches().at(0).timeline.empty());
  CHECK(profile.launches().at(1).timeline.size() == 5);
  CHECK(profile.launches().at(1).trace_is_cut);
}

TEST_CASE("trace: lanes that take steps in different orders, and in part") {
  TraceRecorder recorder({.launch = 0});
  recorder.begin_launch(0, 1);
  const int value = 7;
  const auto note = [&](unsigned lane, std::size_t instruction) {
    recorder.note(lane, instruction, {nullptr, "", static_cast<unsigned>(instruction)}, Space::global,
                  Access::read, reinterpret_cast<std::uintptr_t>(&value), sizeof(value));
  };
  for (const std::size_t instruction : {1, 2, 3, 4}) note(0, instruction);
  for (const std::size_t instruction : {1, 3, 2}) note(1, instruction);
  for (const std::size_t instruction : {1, 5, 4}) note(2, instruction);
  LaunchProfile launched;
  recorder.end_block();
  recorder.end_launch(launched);
  std::vector<unsigned> order, lanes;
  for (const TraceStep& step : launched.trace) {
    order.push_back(step.place.line);
    lanes.push_back(step.lanes);
    CHECK(step.values[static_cast<std::size_t>(std::countr_zero(step.lanes))] == 7);
  }
  CHECK(order == std::vector<unsigned>{1, 5, 2, 3, 4});
  CHECK(lanes == std::vector<unsigned>{7, 4, 3, 3, 5});
}
