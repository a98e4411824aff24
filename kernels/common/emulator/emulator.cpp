#include "kernels/common/emulator/emulator.h"

#include <fmt/format.h>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/allocations.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/code_place.h"
#include "kernels/common/emulator/global_races.h"
#include "kernels/common/emulator/kernel_fault.h"
#include "kernels/common/emulator/patience.h"
#include "kernels/common/emulator/profile/request_counter.h"

namespace tern::emulator {
namespace {

std::int64_t launches = 0;
void (*before_launch)() = nullptr;
void (*after_launch)() = nullptr;
void (*record_launch)(std::function<void()>) = nullptr;

struct LaunchGuard {
  LaunchGuard() {
    if (before_launch != nullptr) before_launch();
  }
  ~LaunchGuard() {
    if (after_launch != nullptr) after_launch();
  }
};

struct RacesGuard {
  explicit RacesGuard(unsigned threads) {
    if (is_watched(kRaces)) GlobalRaces::begin_launch(threads);
  }
  ~RacesGuard() { GlobalRaces::end_launch(); }
};

void check_extents(dim3 grid, dim3 block, std::size_t shared_bytes) {
  const std::uint64_t threads = std::uint64_t{block.x} * block.y * block.z;
  if (threads < 1 || threads > 1024 || block.z > 64) {
    throw Error("launch", "blocks of 1 to 1024 threads",
                fmt::format("{} x {} x {}", block.x, block.y, block.z));
  }
  if (grid.x > 0x7fffffffu || grid.y > 65535 || grid.z > 65535) {
    throw Error("launch", "a grid of at most 2^31 - 1 x 65535 x 65535 blocks",
                fmt::format("{} x {} x {}", grid.x, grid.y, grid.z));
  }
  if (shared_bytes > kMaxSharedBytes) {
    throw Error("launch", fmt::format("at most {} bytes of shared memory", kMaxSharedBytes),
                std::to_string(shared_bytes));
  }
}

void do_launch(const KernelId& id, dim3 grid, dim3 block, std::size_t shared_bytes,
               const std::function<void()>& kernel) {
  ++launches;
  const LaunchGuard guard;
  const RacesGuard races(block.x * block.y * block.z);
  Block& runner = Block::make();
  TurnOrder turns = TurnOrder::next();
  runner.begin_launch(grid, block, shared_bytes, kernel, turns);
  const Patience patience;
  RequestCounter* const counter = RequestCounter::active();
  const BlockBox box = counter != nullptr ? counter->begin_launch(id, grid, block) : all_blocks(grid);
  try {
    turns.for_each_block(box, [&](uint3 index) { runner.run(index); });
  } catch (...) {
    runner.abandon();
    throw;
  }
  if (box.count() < all_blocks(grid).count())  // what the other blocks would have written
    Allocations::instance().mark_all_written();
  if (counter != nullptr) counter->end_launch(runner.shared());
}

[[gnu::cold, noreturn]] void fail_outside(const char* operation, unsigned mask, unsigned lane,
                                          std::source_location where) {
  const Unnoted unnoted;
  throw KernelFault(
      Block::current().place(),
      fmt::format("{} asks for lane {}, which its mask {:#010x} does not hold", operation, lane, mask),
      place_text(where));
}

}  // namespace

void run(const KernelId& id, dim3 grid, dim3 block, std::size_t shared_bytes,
         const std::function<void()>& kernel) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  check_extents(grid, block, shared_bytes);
  if (record_launch == nullptr) return do_launch(id, grid, block, shared_bytes, kernel);
  record_launch([=] { do_launch(id, grid, block, shared_bytes, kernel); });
}

void set_launch_recorder(void (*recorder)(std::function<void()> launch)) {
  record_launch = recorder;
}

void set_launch_guard(void (*begin)(), void (*end)()) {
  before_launch = begin;
  after_launch = end;
}

std::int64_t launch_count() {
  return launches;
}

void meet_warp(const char* operation, unsigned mask, std::source_location where) {
  Block::current().meet_warp(operation, mask, 0, where, WaitsFor::accesses);
}

int meet_block(const char* operation, bool brought, std::source_location where) {
  return Block::current().meet_block(operation, brought, where);
}

std::uint64_t shuffle_bits(const char* operation, unsigned mask, std::uint64_t bits, int source,
                           std::source_location where) {
  const std::array<std::uint64_t, 32>& all = Block::current().meet_warp(operation, mask, bits, where);
  const unsigned from = source >= 0 && source < 32 ? static_cast<unsigned>(source) : lane();
  if ((mask >> from & 1u) == 0) fail_outside(operation, mask, from, where);
  return all[from];
}

unsigned ballot(const char* operation, unsigned mask, bool brought, std::source_location where) {
  const std::array<std::uint64_t, 32>& all = Block::current().meet_warp(operation, mask, brought, where);
  unsigned votes = 0;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((mask >> lane & 1u) != 0 && all[lane] != 0) votes |= 1u << lane;
  }
  return votes;
}

void* shared_array(const char* name, const char* file, int line, std::size_t element_bytes, std::size_t count,
                   std::span<const std::size_t> inner) {
  const Unnoted unnoted;
  return Block::current().shared().array(name, file, line, element_bytes, count, inner);
}

void* dynamic_shared_array(const char* name, std::size_t element_bytes) {
  const Unnoted unnoted;
  return Block::current().shared().dynamic_array(name, element_bytes);
}

void fence(bool of_block) {
  const Unnoted unnoted;
  if (GlobalRaces* const races = GlobalRaces::active()) races->order().note_fence(of_block);
}

void note_atomic(const void* address, std::size_t bytes, std::source_location where) {
  note_access(address, bytes, Access::atomic, Strength::strong, where);
}

void note_compare_and_swap(const void* address, std::size_t bytes, std::source_location where) {
  note_access(address, bytes, Access::atomic, Strength::compare_and_swap, where);
}

}  // namespace tern::emulator
