#include "kernels/common/emulator/code_place.h"

#include <fmt/format.h>

#include "kernels/common/emulator/profile/source_lines.h"

namespace tern::emulator {

std::string place_text(const CodePlace& place) {
  if (place.file != nullptr) return fmt::format("{}:{}", place.file, place.line);
  const std::vector<SourceLine> lines = source_lines(place.code);
  if (!lines.empty()) return fmt::format("{}:{}", lines.front().file, lines.front().line);
  const std::string function = function_name(place.code);
  return function.empty() ? "a line unknown without debug information (-g)" : "a line of " + function;
}

const char* verb(Access access) {
  return access == Access::read ? "reads" : access == Access::write ? "writes" : "updates";
}

}  // namespace tern::emulator
