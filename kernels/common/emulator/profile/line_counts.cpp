#include "kernels/common/emulator/profile/line_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <utility>

namespace tern::emulator {
namespace {

constexpr std::size_t kMostLines = 100000, kMostLineBytes = 1000;  ///< of a source

struct Place {
  std::string file;
  int line = 0;
  std::vector<SourceLine> within;
};

Place place_of(const CodePlace& place, int number) {
  if (place.code == nullptr)
    return {place.file == nullptr ? "" : place.file, static_cast<int>(place.line), {}};
  const std::vector<SourceLine> lines = source_lines(place.code);
  if (lines.empty()) return {"", number, {}};
  const std::string& file = lines.back().file;
  const auto own =
      std::find_if(lines.begin(), lines.end(), [&](const SourceLine& line) { return line.file == file; });
  return {file, own->line, {lines.begin(), own}};
}

void add(LineCounts& line, const InstructionCounts& instruction, std::vector<SourceLine> within) {
  for (LineAccess& known : line.accesses) {
    if (known.space != instruction.space || known.access != instruction.access) continue;
    known.counts += instruction.counts;
    if (instruction.worst_excess > known.worst_excess) {
      known.worst = instruction.worst;
      known.worst_excess = instruction.worst_excess;
    }
    return;
  }
  line.accesses.push_back({instruction.space, instruction.access, instruction.counts, instruction.worst,
                           instruction.worst_excess, std::move(within)});
}

}  // namespace

std::int64_t LineCounts::cost() const {
  std::int64_t clocks = 0;
  for (const LineAccess& one : accesses)
    clocks += one.counts.lines + one.counts.wavefronts + one.counts.contended;
  return clocks;
}

std::vector<LineCounts> line_counts(const LaunchProfile& launch) {
  std::map<std::pair<std::string, int>, LineCounts> lines;
  int number = 0;
  for (const InstructionCounts& instruction : launch.instructions) {
    Place place = place_of(instruction.place, ++number);
    LineCounts& line = lines[{place.file, place.line}];
    line.file = place.file;
    line.line = place.line;
    add(line, instruction, std::move(place.within));
  }
  std::vector<LineCounts> sorted;
  for (auto& [key, line] : lines) sorted.push_back(std::move(line));
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const LineCounts& a, const LineCounts& b) { return a.cost() > b.cost(); });
  return sorted;
}

std::string file_name(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string place_text(const LineCounts& line) {
  if (line.file.empty()) return fmt::format("instruction {}", line.line);
  return fmt::format("{}:{}", file_name(line.file), line.line);
}

CodeLine code_line(const CodePlace& place) {
  const Place found = place_of(place, 0);
  if (found.file.empty()) return {"", "?", 0};
  return {found.file, fmt::format("{}:{}", file_name(found.file), found.line), found.line};
}

const std::vector<std::string>& SourceText::lines_of(const std::string& file) {
  for (const auto& [name, lines] : files_) {
    if (name == file) return lines;
  }
  std::vector<std::string> lines;
  std::ifstream in(file);
  for (std::string line; lines.size() < kMostLines && std::getline(in, line);)
    lines.push_back(line.substr(0, kMostLineBytes));
  return files_.emplace_back(file, std::move(lines)).second;
}

const std::string& SourceText::line(const std::string& file, int number) {
  static const std::string none;
  const std::vector<std::string>& lines = lines_of(file);
  return number >= 1 && static_cast<std::size_t>(number) <= lines.size()
             ? lines[static_cast<std::size_t>(number) - 1]
             : none;
}

}  // namespace tern::emulator
