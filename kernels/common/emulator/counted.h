// Numbers with what they count, in texts: "1 block", "2 blocks", "1 pass", "2 passes".
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>
#include <type_traits>

namespace tern::emulator {

/// A count that is no integer, an average, is rounded to one.
template <typename Number>
std::string counted(Number count, std::string_view what) {
  const bool is_one = std::is_floating_point_v<Number> ? std::round(static_cast<double>(count)) == 1
                                                       : count == static_cast<Number>(1);
  const char* const end = is_one ? "" : what.ends_with('s') ? "es" : "s";
  if constexpr (std::is_floating_point_v<Number>)
    return fmt::format("{:.0f} {}{}", count, what, end);
  else
    return fmt::format("{} {}{}", count, what, end);
}

}  // namespace tern::emulator
