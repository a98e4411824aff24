// A launch's accesses by the line of source that they were written on.
#pragma once

#include <string>
#include <vector>

#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/emulator/profile/source_lines.h"

namespace tern::emulator {

/// What a line does to one kind of memory in one way.
struct LineAccess {
  Space space = Space::global;
  Access access = Access::read;
  AccessCounts counts;
  Request worst;
  std::int64_t worst_excess = 0;
  std::int64_t spare_lanes = 0;
  std::vector<std::size_t> instructions;  ///< their numbers in the launch
  /// Where in functions that the line calls, innermost first; empty if on the line itself.
  std::vector<SourceLine> within;
};

struct LineCounts {
  std::string file;  ///< "" without debug information; `line` then tells instructions apart
  int line = 0;
  std::vector<LineAccess> accesses;

  /// Clocks that L1 and shared memory need for it: lines of 128 bytes, passes over the banks, atomics that wait.
  std::int64_t cost() const;
};

/// The most expensive first. A load in a function that was inlined counts for the line that calls it, if that is in another
/// file: the kernel's own.
std::vector<LineCounts> line_counts(const LaunchProfile& launch);

/// "softmax.cu:14", or "instruction 3".
std::string place_text(const LineCounts& line);
/// Where code was written, as LineCounts has it.
struct CodeLine {
  std::string file, text;  ///< the text as place_text's; "" and "?" without debug information
  int line = 0;
};
CodeLine code_line(const CodePlace& place);
/// The file's name without its folders.
std::string file_name(const std::string& path);

/// Lines of sources, read once. "" where there is none.
class SourceText {
 public:
  const std::string& line(const std::string& file, int number);
  int count(const std::string& file) { return static_cast<int>(lines_of(file).size()); }

 private:
  const std::vector<std::string>& lines_of(const std::string& file);
  std::vector<std::pair<std::string, std::vector<std::string>>> files_;
};

}  // namespace tern::emulator
