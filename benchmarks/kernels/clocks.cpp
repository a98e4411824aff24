#include "benchmarks/kernels/clocks.h"

#include <algorithm>

namespace tern::bench {
namespace {

/// Clocks of a GPU at work go up and down by a step or two, of 15 MHz, without being held down.
constexpr double kFull = 0.95;

struct Name {
  ClockLimit limit;
  const char* text;
};
constexpr Name kNames[] = {{kHardwareThermal, "too hot (hardware)"},
                           {kThermal, "too hot"},
                           {kPowerBrake, "power brake"},
                           {kPowerCap, "power cap"},
                           {kHardwareSlowdown, "hardware slowdown"},
                           {kSyncBoost, "boost in step with others"}};

}  // namespace

std::optional<std::string> ClockGate::refuse(const std::optional<ClockState>& state) const {
  if (!state) return std::nullopt;
  for (const Name& name : kNames) {
    if ((state->held_down_by & name.limit) != 0) return name.text;
  }
  if ((state->held_down_by & kIdle) != 0) return std::nullopt;
  const auto is_low = [](int mhz, int full) { return mhz > 0 && mhz < kFull * full; };
  if (is_low(state->sm_mhz, sm_mhz_)) return "low SM clock";
  if (is_low(state->memory_mhz, memory_mhz_)) return "low memory clock";
  return std::nullopt;
}

std::optional<std::string> ClockGate::refuse(const std::optional<ClockState>& before,
                                             const std::optional<ClockState>& after) {
  for (const auto* const state : {&before, &after}) {
    if (!*state) continue;
    sm_mhz_ = std::max(sm_mhz_, (*state)->sm_mhz);
    memory_mhz_ = std::max(memory_mhz_, (*state)->memory_mhz);
  }
  auto why = refuse(before);
  return why ? why : refuse(after);
}

}  // namespace tern::bench
