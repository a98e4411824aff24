#include "kernels/common/emulator/code_place.h"

#include <fmt/format.h>

#include "kernels/common/emulator/profile/source_lines.h"

namespace tern::emulator {

std::string place_text(const CodePlace& place) {
  if (place.file != nullptr) return fmt::format("{}:{}", place.file, place.line);
  const std::vector<SourceLine> lines = source_lines(place.code);
  for (const SourceLine& line : lines) {  // CUDA's own functions are inlined into lines of the kernel's
    if (line.file.find("kernels/common/emulator/") == line.file.npos)
      return fmt::format("{}:{}", line.file, line.line);
  }
  const std::string function = function_name(place.code);
  return function.empty() ? "a line unknown without debug information (-g)" : "a line of " + function;
}

std::string place_text(std::source_location where) {
  return fmt::format("{}:{}", where.file_name(), where.line());
}

const char* verb(Access access) {
  return access == Access::read ? "reads" : access == Access::write ? "writes" : "updates";
}

}  // namespace tern::emulator
