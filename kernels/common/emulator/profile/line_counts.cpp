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

/// Debug information has whole paths where __FILE__ has what the compiler was called with.
std::string full_path(const std::string& file, const std::vector<Place>& places) {
  std::string end = file;
  while (end.starts_with("../")) end.erase(0, 3);
  for (const Place& other : places) {
    if (!end.empty() && end[0] != '/' && other.file.starts_with('/') && other.file.ends_with("/" + end))
      return other.file;
  }
  return file;
}

void add(LineCounts& line, const InstructionCounts& instruction, std::size_t number,
         std::vector<SourceLine> within) {
  auto found = std::find_if(line.accesses.begin(), line.accesses.end(), [&](const LineAccess& known) {
    return known.space == instruction.space && known.access == instruction.access;
  });
  if (found == line.accesses.end()) {
    LineAccess added;
    added.space = instruction.space;
    added.access = instruction.access;
    added.worst = instruction.worst;
    added.worst_excess = instruction.worst_excess;
    added.within = std::move(within);
    found = line.accesses.insert(line.accesses.end(), std::move(added));
  }
  found->counts += instruction.counts;
  found->spare_lanes += instruction.spare_lanes;
  found->instructions.push_back(number);
  if (instruction.worst_excess <= found->worst_excess) return;
  found->worst = instruction.worst;
  found->worst_excess = instruction.worst_excess;
}

}  // namespace

std::int64_t LineCounts::cost() const {
  std::int64_t clocks = 0;
  for (const LineAccess& one : accesses)
    clocks += one.counts.lines + one.counts.wavefronts + one.counts.contended;
  return clocks;
}

std::vector<LineCounts> line_counts(const LaunchProfile& launch) {
  std::vector<Place> places;
  for (const InstructionCounts& instruction : launch.instructions)
    places.push_back(place_of(instruction.place, static_cast<int>(places.size()) + 1));
  std::map<std::pair<std::string, int>, LineCounts> lines;
  for (std::size_t i = 0; i < places.size(); ++i) {
    const InstructionCounts& instruction = launch.instructions[i];
    Place place = places[i];
    place.file = full_path(place.file, places);
    LineCounts& line = lines[{place.file, place.line}];
    line.file = place.file;
    line.line = place.line;
    add(line, instruction, i, std::move(place.within));
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
