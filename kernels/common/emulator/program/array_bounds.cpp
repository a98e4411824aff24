// Arrays that a program overruns by an index, above all those of a thread's own, which no other check sees. Programs are compiled
// with -fsanitize=bounds: where the compiler knows an array's extent and not the index, it compares the two and calls the handler
// below, UBSan's by name, before the access. What is written through a pointer beyond an array of a function's own is seen when that
// returns (-fstack-protector-strong).
#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/block.h"
#include "kernels/common/emulator/counted.h"
#include "kernels/common/emulator/profile/source_lines.h"
#include "kernels/common/emulator/program/faults.h"

namespace tern::emulator::program {
namespace {

/// As compilers lay them out for UBSan's handlers.
struct SourceColumn {
  const char* file;
  std::uint32_t line, column;
};
struct TypeName {
  std::uint16_t kind, info;  ///< of an integer: whether it is signed, and twice the logarithm of its bits
  char name[1];              ///< NOLINT: as long as it is: 'float [4]', or 'float[4]' by Clang
};
struct IndexBeyond {
  SourceColumn where;
  const TypeName *array, *index;
};

std::int64_t index_of(const TypeName& type, const void* bits) {
  const auto value = reinterpret_cast<std::uintptr_t>(bits);
  const unsigned unused = 64 - std::min(64u, 1u << (type.info >> 1));
  const bool is_signed = (type.info & 1u) != 0;
  return is_signed ? static_cast<std::int64_t>(value << unused) >> unused : static_cast<std::int64_t>(value);
}

/// A subscript as the source has it: "b[1]" of "b[1][i - 2]".
struct Subscripted {
  std::string array;
  bool is_first = true;  ///< of the array's subscripts

  std::string name() const { return array.substr(0, array.find('[')); }
};

bool is_of_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Where the [ of the ] at `at` is; npos if the line has none.
std::size_t opening(std::string_view line, std::size_t at) {
  int depth = 0;
  for (std::size_t i = at + 1; i-- > 0;) {
    if (line[i] == ']') ++depth;
    if (line[i] == '[' && --depth == 0) return i;
  }
  return line.npos;
}

/// The ] of the [ at `at`.
std::size_t closing(std::string_view line, std::size_t at) {
  int depth = 0;
  for (std::size_t i = at; i < line.size(); ++i) {
    if (line[i] == '[') ++depth;
    if (line[i] == ']' && --depth == 0) return i;
  }
  return line.npos;
}

std::string line_of(const SourceColumn& where) {
  std::ifstream in(where.file);
  std::string line;
  for (std::uint32_t i = 0; i < where.line && std::getline(in, line); ++i) {
  }
  return line;
}

/// The ] of the subscript that an expression's chain of them, "b[1][i]", has `after` others after it; npos if it is no such chain.
std::size_t subscript_before_last(std::string_view line, std::size_t begin, std::size_t after) {
  std::vector<std::size_t> ends;
  std::size_t at = begin;
  while (at < line.size() && (is_of_name(line[at]) || line[at] == '.' || line.substr(at, 2) == "->"))
    at += line[at] == '-' ? 2 : 1;
  while (at < line.size() && line[at] == '[') {
    const std::size_t end = closing(line, at);
    if (end == line.npos) return end;
    ends.push_back(end);
    at = end + 1;
  }
  const bool goes_on = at < line.size() && (line[at] == '.' || line.substr(at, 2) == "->");
  return goes_on || ends.size() <= after ? line.npos : ends[ends.size() - 1 - after];
}

/// GCC gives the place of the ], Clang that where the expression begins. Empty where neither is found there: in a macro, say.
Subscripted subscripted(const SourceColumn& where, std::size_t extents) {
  const std::string line = line_of(where);
  if (where.column == 0 || where.column > line.size() || extents == 0) return {};
  std::size_t at = where.column - 1;
  if (is_of_name(line[at])) at = subscript_before_last(line, at, extents - 1);
  if (at == line.npos || line[at] != ']') return {};
  const std::size_t end = opening(line, at);
  std::size_t begin = end;
  while (begin != line.npos && begin > 0) {
    const char before = line[begin - 1];
    const bool is_arrow = before == '>' && begin > 1 && line[begin - 2] == '-';
    if (before == ']')
      begin = opening(line, begin - 1);
    else if (is_of_name(before) || before == '.' || is_arrow)
      begin -= is_arrow ? 2 : 1;
    else
      break;
  }
  if (begin == line.npos || begin >= end || !is_of_name(line[begin])) return {};
  const std::string array = line.substr(begin, end - begin);
  return {array, array.back() != ']'};
}

/// All names that are subscripted on a line, each once.
std::set<std::string> subscripted_names(const std::string& line) {
  std::set<std::string> names;
  for (std::size_t at = line.find('['); at != line.npos; at = line.find('[', at + 1)) {
    std::size_t begin = at;
    while (begin > 0 && is_of_name(line[begin - 1])) --begin;
    if (begin < at) names.insert(line.substr(begin, at - begin));
  }
  return names;
}

/// The extents in 'float [4][3]'; none if it is no such type.
std::vector<std::int64_t> extents_of(std::string_view type) {
  std::vector<std::int64_t> extents;
  for (std::size_t at = type.find('['); at != type.npos; at = type.find('[', at + 1))
    extents.push_back(std::strtoll(type.data() + at + 1, nullptr, 10));
  return extents;
}

std::string index_text(const Subscripted& of, std::int64_t index, const std::vector<std::int64_t>& extents) {
  const std::int64_t count = extents.empty() ? 0 : extents.front();
  const char* const side = index < 0 ? "before the begin" : "after the end";
  if (of.array.empty())
    return fmt::format("touches element {}, {} of an array of {}", index, side, counted(count, "element"));
  return fmt::format("touches {}[{}], {} of {}, which has {}", of.array, index, side, of.array,
                     counted(count, extents.size() == 1 ? "element" : "row"));
}

std::string place_of(const IndexBeyond& what) {
  return fmt::format("{}:{}", what.where.file, what.where.line);
}

/// Once for each place in the source.
bool is_new(const IndexBeyond& what) {
  static auto* const told = new std::set<const void*>;
  return told->insert(&what).second;
}

/// Of the usual numbers; 0 of other types.
std::size_t bytes_of_element(std::string_view type) {
  static constexpr std::pair<std::string_view, std::size_t> kNumbers[] = {
      {"double", 8}, {"long", 8}, {"float", 4}, {"short", 2}, {"char", 1}, {"bool", 1}, {"int", 4}};
  for (const auto& [name, bytes] : kNumbers) {
    if (type.substr(0, type.find('[')).find(name) != type.npos) return bytes;
  }
  return 0;
}

/// Whether the block has a shared array of that name, of which the type may be the whole, or a row.
bool is_shared_array(const std::string& name, const TypeName& type, bool is_whole) {
  std::size_t bytes = bytes_of_element(type.name);
  if (bytes == 0) bytes = 1, is_whole = false;
  for (const std::int64_t extent : extents_of(type.name)) bytes *= static_cast<std::size_t>(extent);
  const std::vector<ArrayRange> arrays = Block::current().shared().arrays();
  return std::any_of(arrays.begin(), arrays.end(), [&](const ArrayRange& one) {
    return one.name == name && bytes > 0 && (is_whole ? one.bytes == bytes : one.bytes % bytes == 0);
  });
}

void tell_in_kernel(const IndexBeyond& what, Subscripted of, std::int64_t index,
                    const std::vector<std::int64_t>& extents) {
  Block& block = Block::current();
  const std::string place = place_of(what);
  if (of.array.empty()) {  // the line has been translated, and its columns are others
    const std::set<std::string> names = subscripted_names(line_of(what.where));
    const auto may_be = [&](const std::string& name) { return is_shared_array(name, *what.array, true); };
    if (std::any_of(names.begin(), names.end(), may_be)) return;
    if (names.size() == 1 && extents.size() == 1) of.array = *names.begin();
  }
  // All of a shared array lies in one piece, and what is outside of that is told by those who watch it.
  if (!is_shared_array(of.name(), *what.array, of.is_first))
    block.fail(index_text(of, index, extents), place);
  if (of.is_first || !is_new(what)) return;
  report_kernel_note(
      KernelFault(block.place(), index_text(of, index, extents) + "; that is another row, or none", place));
}

void tell(const IndexBeyond& what, const void* index_bits) {
  const std::int64_t index = index_of(*what.index, index_bits);
  const std::vector<std::int64_t> extents = extents_of(what.array->name);
  const Subscripted of = subscripted(what.where, extents.size());
  if (is_in_launch()) return tell_in_kernel(what, of, index, extents);
  if (is_new(what))
    report_fault(fmt::format("{}: host code {}", place_of(what), index_text(of, index, extents)));
}

}  // namespace
}  // namespace tern::emulator::program

extern "C" {

void __ubsan_handle_out_of_bounds(void* what, void* index) {
  using namespace tern::emulator;
  const Unnoted unnoted;
  program::tell(*static_cast<const program::IndexBeyond*>(what), index);
}

[[noreturn]] void __stack_chk_fail() {
  using namespace tern::emulator;
  const void* const code = __builtin_return_address(0);  // which may be the next function's begin
  own_stack = {};
  const std::string function = short_function_name(function_name(static_cast<const char*>(code) - 1));
  const std::string text =
      fmt::format("{} has written beyond an array of its own, through a pointer, as is seen when it returns",
                  function.empty() ? "a function" : function);
  const std::string place = program::user_line(code);
  if (program::is_in_launch()) Block::current().fail(text, place);
  program::report_fault(fmt::format("{}: {}", place, text));
  std::exit(1);
}
}
