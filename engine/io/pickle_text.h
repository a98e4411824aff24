// Protocol 0 writes numbers and texts as lines of ASCII: what those lines mean.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tern {

/// A decimal integer. `fits` is false for one of more than 64 bits, which is 0 then. nullopt for anything
/// else.
struct DecimalInteger {
  std::int64_t value = 0;
  bool fits = true;
};
std::optional<DecimalInteger> parse_decimal_integer(std::string_view line);

/// A real number as Python's repr() writes it ("1.5", "inf", "nan").
std::optional<double> parse_real(std::string_view line);

/// A quoted string with backslashes, as repr() writes it; its bytes.
std::optional<std::string> parse_quoted(std::string_view line);

/// Python's raw-unicode-escape, \uXXXX and \UXXXXXXXX in Latin-1, as UTF-8.
std::optional<std::string> parse_raw_unicode(std::string_view line);

}  // namespace tern
