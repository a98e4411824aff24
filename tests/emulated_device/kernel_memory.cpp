#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <new>
#include <string>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/emulator.h"
#include "kernels/common/emulator/global_memory.h"
#include "tests/support/kernel_memory.h"

// With TERN_EMULATOR_CHECKS in the environment, a test of kernels is one of how they use memory, too: all that the emulator
// finds is asked for, and each launch is done in as many orders of its blocks and threads as the variable says, which must all
// leave the same bytes.
namespace tern::test {
namespace {

std::map<void*, std::size_t> live;  ///< bytes of what is allocated
std::int64_t repeats = 0;           ///< launches that nobody asked for

using Bytes = std::vector<std::vector<std::byte>>;

Bytes contents() {
  Bytes all;
  for (const auto& [memory, bytes] : live) {
    const auto* const begin = static_cast<const std::byte*>(memory);
    all.emplace_back(begin, begin + bytes);
  }
  return all;
}

void restore(const Bytes& all) {
  auto from = all.begin();
  for (const auto& [memory, bytes] : live) {
    if (bytes > 0) std::memcpy(memory, from->data(), bytes);
    ++from;
  }
}

int orders_asked_for() {
  const char* const text = std::getenv("TERN_EMULATOR_CHECKS");
  if (text == nullptr) return 0;
  const int orders = std::atoi(text);
  if (orders < 1) throw Error("TERN_EMULATOR_CHECKS", "a number of orders", text);
  return orders;
}

void launch_in_orders(const std::function<void()>& launch, int orders) {
  const Bytes before = contents();
  emulator::set_order_seed(1);
  launch();
  const Bytes after = contents();
  // What there is to find has been found; what was written must stay known.
  const auto watch_all = [](bool on) {
    for (const emulator::Watch what : {emulator::kBounds, emulator::kRaces, emulator::kUnwritten})
      emulator::watch(what, on);
  };
  watch_all(false);
  int seed = 1;
  bool same = true;
  while (same && seed < orders) {
    restore(before);
    emulator::set_order_seed(static_cast<std::uint64_t>(++seed));
    ++repeats;
    launch();
    same = contents() == after;
  }
  watch_all(true);
  if (same) return;
  throw Error("kernel", "the same bytes in each order of blocks and threads",
              fmt::format("others with seed {}", seed));
}

/// Whether checks are asked for; sets them up.
bool is_checked() {
  static const int orders = orders_asked_for();
  static const bool is_set_up = [] {
    if (orders == 0) return false;
    emulator::set_global_checks({.bounds = true, .races = true, .unwritten = true});
    emulator::set_launch_recorder([](std::function<void()> launch) { launch_in_orders(launch, orders); });
    return true;
  }();
  return is_set_up;
}

}  // namespace

// malloc, not aligned_alloc with rounded sizes: AddressSanitizer then sees the very next byte.
void* allocate(std::size_t bytes) {
  void* memory = nullptr;
  if (posix_memalign(&memory, 256, bytes) != 0) throw std::bad_alloc();
  if (bytes > 0) std::memset(memory, 0xFF, bytes);
  if (is_checked()) {
    live[memory] = bytes;
    emulator::add_allocation(memory, bytes, "an array of " + std::to_string(bytes) + " bytes");
  }
  return memory;
}
void release(void* memory) {
  if (is_checked()) {
    live.erase(memory);
    emulator::remove_allocation(memory);
  }
  std::free(memory);
}
void copy(void* to, const void* from, std::size_t bytes) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  if (is_checked()) emulator::mark_written(to, bytes);
}
bool device_is_there() {
  return true;
}
bool is_emulated() {
  return true;
}
void draw_order(std::uint64_t seed) {
  emulator::set_order_seed(seed);
}
std::int64_t launch_count() {
  return emulator::launch_count() - repeats;
}

}  // namespace tern::test
