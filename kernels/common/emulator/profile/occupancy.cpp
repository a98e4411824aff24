#include "kernels/common/emulator/profile/occupancy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/core/check.h"

namespace tern::emulator {
namespace {

constexpr int kWarp = 32, kRegisters = 65536, kRegisterUnit = 256, kParts = 4;
constexpr std::size_t kSharedUnit = 128, kOldSharedUnit = 256;

int rounded_up(int value, int unit) {
  return (value + unit - 1) / unit * unit;
}

void check_resources(const KernelResources& kernel) {
  const auto check = [](const char* what, int value, int most) {
    if (value >= 1 && value <= most) return;
    throw Error("occupancy", fmt::format("1 to {} {}", most, what), fmt::format("{}", value));
  };
  check("threads in a block", kernel.threads, 1024);
  check("registers in a thread", kernel.registers, 255);
}

/// Blocks that the registers suffice for: each of the parts holds whole warps, and a launch is refused whose block would
/// not fit if all parts had as many of its warps as the fullest.
int blocks_by_registers(const KernelResources& kernel, int warps_of_block) {
  const int of_warp = rounded_up(kernel.registers * kWarp, kRegisterUnit);
  if (of_warp * rounded_up(warps_of_block, kParts) > kRegisters) return 0;
  return kRegisters / kParts / of_warp * kParts / warps_of_block;
}

int blocks_by_shared(const Architecture& architecture, const KernelResources& kernel) {
  const std::size_t unit = architecture.system_shared_bytes == 0 ? kOldSharedUnit : kSharedUnit;
  const std::size_t of_block =
      (kernel.shared_bytes + architecture.system_shared_bytes + unit - 1) / unit * unit;
  if (of_block == 0) return architecture.blocks;
  return static_cast<int>(architecture.shared_bytes / of_block);
}

}  // namespace

const std::vector<Architecture>& architectures() {
  static const auto* const all = new std::vector<Architecture>{
      {"sm_75", 1024, 16, 64 << 10, 0}, {"sm_80", 2048, 32, 164 << 10}, {"sm_86", 1536, 16, 100 << 10},
      {"sm_89", 1536, 24, 100 << 10},   {"sm_90", 2048, 32, 228 << 10}, {"sm_100", 2048, 32, 228 << 10}};
  return *all;
}

const Architecture& architecture(const std::string& name) {
  std::string names;
  for (const Architecture& one : architectures()) {
    if (one.name == name) return one;
    names += (names.empty() ? "" : ", ") + one.name;
  }
  throw Error("architecture", "one of " + names, name);
}

Occupancy occupancy(const Architecture& of, const KernelResources& kernel) {
  check_resources(kernel);
  const int warps_of_block = rounded_up(kernel.threads, kWarp) / kWarp;
  struct Limit {
    const char* name;
    int blocks;
  };
  const std::array limits{Limit{"registers", blocks_by_registers(kernel, warps_of_block)},
                          Limit{"shared memory", blocks_by_shared(of, kernel)},
                          Limit{"threads", of.threads / kWarp / warps_of_block}, Limit{"blocks", of.blocks}};
  const Limit& least = *std::min_element(limits.begin(), limits.end(),
                                         [](const Limit& a, const Limit& b) { return a.blocks < b.blocks; });
  return {least.blocks, 100.0 * least.blocks * warps_of_block / (of.threads / kWarp), least.name};
}

}  // namespace tern::emulator
