#include "kernels/common/emulator/profile/trace.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

namespace tern::emulator {
namespace {

constexpr unsigned kShownLanes = 4;

std::string lanes_text(unsigned lanes) {
  const int count = std::popcount(lanes);
  if (count == 32) return "all lanes";
  const int first = std::countr_zero(lanes);
  if (count == 1) return fmt::format("lane {}", first);
  if (std::popcount(lanes >> first) == std::countr_one(lanes >> first))
    return fmt::format("lanes {}-{}", first, first + count - 1);
  return fmt::format("{} lanes ({:#010x})", count, lanes);
}

bool is_plausible_float(double value) {
  return value == 0 || (std::abs(value) > 1e-12 && std::abs(value) < 1e12);
}

}  // namespace

std::string what_text(const TraceStep& step) {
  switch (step.kind) {
    case TraceStep::Kind::read:
      return step.space == Space::shared ? "load shared" : "load";
    case TraceStep::Kind::write:
      return step.space == Space::shared ? "store shared" : "store";
    case TraceStep::Kind::atomic:
      return step.space == Space::shared ? "atomic shared" : "atomic";
    default:
      return step.operation;
  }
}

std::array<std::optional<std::uintptr_t>, 32> lane_offsets(unsigned lanes,
                                                           const std::array<std::uintptr_t, 32>& addresses) {
  std::uintptr_t base = ~std::uintptr_t{0};
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1u) != 0) base = std::min(base, addresses[lane] / 128 * 128);
  }
  std::array<std::optional<std::uintptr_t>, 32> offsets;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1u) != 0) offsets[lane] = addresses[lane] - base;
  }
  return offsets;
}

std::string address_text(const LaunchProfile& launch, std::uintptr_t address) {
  const ArrayRange* const array = launch.array_of(address);
  if (array == nullptr) return fmt::format("{:#x}", address);
  const std::uintptr_t offset = address - array->begin;
  const std::string text = fmt::format("{}[{}]", array->name, offset / array->element_bytes);
  return offset % array->element_bytes == 0 ? text
                                            : fmt::format("{} + {}", text, offset % array->element_bytes);
}

std::string value_text(std::uint64_t bits, std::size_t bytes) {
  if (bytes == 1) return fmt::format("{}", static_cast<std::int8_t>(bits));
  if (bytes == 2) return fmt::format("{}", static_cast<std::int16_t>(bits));
  if (bytes != 4 && bytes != 8) return "";
  const auto integer = bytes == 4 ? static_cast<std::int32_t>(bits) : static_cast<std::int64_t>(bits);
  const double value =
      bytes == 4 ? std::bit_cast<float>(static_cast<std::uint32_t>(bits)) : std::bit_cast<double>(bits);
  if (integer == 0) return "0";
  if (!is_plausible_float(value)) return fmt::format("{}", integer);
  if (std::abs(static_cast<double>(integer)) > 1e8) return fmt::format("{:.6g}", value);
  return fmt::format("{} ({:.6g})", integer, value);
}

std::string trace_text(const LaunchProfile& launch, std::size_t most_steps) {
  std::string text;
  std::size_t number = 0;
  for (const TraceStep& step : launch.trace) {
    if (number == most_steps) break;
    const CodeLine line = code_line(step.place);
    text += fmt::format("{:4}  {:<22} {:<14} {:<12}", ++number, line.text, what_text(step),
                        lanes_text(step.lanes));
    unsigned shown = 0;
    for (unsigned lane = 0; lane < 32 && step.bytes > 0 && shown < kShownLanes; ++lane) {
      if ((step.lanes >> lane & 1u) == 0) continue;
      const std::string value = value_text(step.values[lane], step.bytes);
      text += fmt::format("{}{}{}", shown++ == 0 ? " " : ", ", address_text(launch, step.addresses[lane]),
                          value.empty() ? "" : " = " + value);
    }
    if (step.bytes > 0 && std::popcount(step.lanes) > static_cast<int>(kShownLanes)) text += ", ...";
    text += '\n';
  }
  if (launch.trace_is_cut || number < launch.trace.size()) text += "      ... more steps are left out\n";
  return text;
}

}  // namespace tern::emulator
