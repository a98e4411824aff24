#include "engine/io/pickle_text.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace tern {
namespace {

// `digits` hexadecimal digits from `begin` on; nullopt where there are fewer.
std::optional<std::uint32_t> hexadecimal(std::string_view text, std::size_t begin, std::size_t digits) {
  if (text.size() < begin + digits) return std::nullopt;
  const char* first = text.data() + begin;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(first, first + digits, value, 16);
  if (error != std::errc() || end != first + digits) return std::nullopt;
  return value;
}

void append_utf8(std::string& to, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { to += static_cast<char>(byte); };
  const auto tail = [&](int shift) { put(0x80 | (code >> shift & 0x3F)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    tail(0);
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    tail(6);
    tail(0);
  } else {
    put(0xF0 | code >> 18);
    tail(12);
    tail(6);
    tail(0);
  }
}

// The byte that a one-letter escape stands for; '\0' if it is none.
char simple_escape(char letter) {
  constexpr std::string_view kLetters = "\\'\"nrtabfv", kBytes = "\\'\"\n\r\t\a\b\f\v";
  const std::size_t place = kLetters.find(letter);
  return place == std::string_view::npos ? '\0' : kBytes[place];
}

}  // namespace

std::optional<DecimalInteger> parse_decimal_integer(std::string_view line) {
  DecimalInteger result;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), result.value);
  if (end != line.data() + line.size() || error == std::errc::invalid_argument) return std::nullopt;
  result.fits = error == std::errc();
  return result;
}

std::optional<double> parse_real(std::string_view line) {
  double value = 0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (end != line.data() + line.size() || error == std::errc::invalid_argument) return std::nullopt;
  return value;
}

std::optional<std::string> parse_quoted(std::string_view line) {
  if (line.size() < 2 || line.front() != line.back() || (line.front() != '\'' && line.front() != '"')) {
    return std::nullopt;
  }
  line = line.substr(1, line.size() - 2);
  std::string result;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '\\') {
      result += line[i];
      continue;
    }
    if (++i == line.size()) return std::nullopt;
    if (const char byte = simple_escape(line[i]); byte != '\0') {
      result += byte;
      continue;
    }
    const auto code = line[i] == 'x' ? hexadecimal(line, i + 1, 2) : std::nullopt;
    if (!code) return std::nullopt;
    result += static_cast<char>(*code);
    i += 2;
  }
  return result;
}

std::optional<std::string> parse_raw_unicode(std::string_view line) {
  std::string result;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char after = line[i] == '\\' && i + 1 < line.size() ? line[i + 1] : '\0';
    if (after != 'u' && after != 'U') {
      append_utf8(result, static_cast<unsigned char>(line[i]));
      continue;
    }
    const std::size_t digits = after == 'u' ? 4 : 8;
    const auto code = hexadecimal(line, i + 2, digits);
    if (!code || *code > 0x10FFFF) return std::nullopt;
    append_utf8(result, *code);
    i += 1 + digits;
  }
  return result;
}

}  // namespace tern
