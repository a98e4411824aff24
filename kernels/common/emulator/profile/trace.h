// One warp, step by step. Ask for it with ProfileOptions::trace.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "kernels/common/emulator/profile/line_counts.h"
#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

/// "load shared", "__syncthreads"
std::string what_text(const TraceStep& step);

/// Of each lane, how far its address is from the last multiple of 128 bytes below all of them: sectors of global memory and banks
/// of shared memory begin there. None for lanes that took no part.
std::array<std::optional<std::uintptr_t>, 32> lane_offsets(unsigned lanes,
                                                           const std::array<std::uintptr_t, 32>& addresses);

/// "tile[33]", or "0x7f..." for an address in no named array; "tile[33] + 2" in the middle of an element.
std::string address_text(const LaunchProfile& launch, std::uintptr_t address);

/// Bits of 1, 2, 4 or 8 bytes as an integer, with the float that they may be as well: "3 (4.2)"; those that make a usual float
/// and an unlikely integer as that float alone. "" for other sizes.
std::string value_text(std::uint64_t bits, std::size_t bytes);

/// For a terminal: a line a step, with the first lanes' addresses and values.
std::string trace_text(const LaunchProfile& launch, std::size_t most_steps = 200);

}  // namespace tern::emulator
