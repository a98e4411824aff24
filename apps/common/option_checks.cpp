#include "apps/common/option_checks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace tern {

CLI::Validator number_in(double low, double high) {
  const std::string wanted = fmt::format("[{:g}, {:g}]", low, high);
  const auto check = [=](const std::string& text) -> std::string {
    double value = low - 1;
    const bool inside = CLI::detail::lexical_cast(text, value) && value >= low && value <= high;
    return inside ? "" : "wanted a number in " + wanted + ", got " + text;
  };
  return {check, "FLOAT in " + wanted};
}

CLI::Validator whole_in(std::uint64_t low, std::uint64_t high) {
  const std::string wanted = fmt::format("[{}, {}]", low, high);
  const auto check = [=](const std::string& text) -> std::string {
    std::uint64_t value = 0;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, value);
    const bool inside = error == std::errc() && at == end && value >= low && value <= high;
    return inside ? "" : "wanted a whole number in " + wanted + ", got " + text;
  };
  return {check, "INT in " + wanted};
}

CLI::Validator one_of(const std::vector<std::string>& names) {
  const std::string list = fmt::format("{{{}}}", fmt::join(names, ","));
  const auto check = [=](const std::string& text) -> std::string {
    if (std::ranges::find(names, text) != names.end()) return "";
    return fmt::format("wanted one of {}, got {}", fmt::join(names, ", "), text);
  };
  return {check, list};
}

}  // namespace tern
