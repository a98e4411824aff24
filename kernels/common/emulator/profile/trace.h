// One warp, step by step. Ask for it with ProfileOptions::trace.
#pragma once

#include <cstdint>
#include <string>

#include "kernels/common/emulator/profile/line_counts.h"
#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

/// "tile[33]", or "0x7f..." for an address in no named array; "tile[33] + 2" in the middle of an element.
std::string address_text(const LaunchProfile& launch, std::uintptr_t address);

/// A value of that many bytes as an integer and, of 4 and 8 bytes, as a float: "1065353216 (1.0)". A value that can only be a
/// float, by its size, is told as one alone. "" for other sizes.
std::string value_text(std::uint64_t bits, std::size_t bytes);

/// For a terminal: a line a step, with the first lanes' addresses and values.
std::string trace_text(const LaunchProfile& launch, std::size_t most_steps = 200);

}  // namespace tern::emulator
