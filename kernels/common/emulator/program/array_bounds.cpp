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

/// Whether a text has the name as a word.
bool has_word(std::string_view text, std::string_view name) {
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    if ((at == 0 || !is_of_name(text[at - 1])) && (end == text.size() || !is_of_name(text[end]))) return true;
  }
  return false;
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

/// Once for each place in the source.
bool is_new(const IndexBeyond& what) {
  static auto* const told = new std::set<const void*>;
  return told->insert(&what).second;
}

void tell(const IndexBeyond& what, const void* index_bits) {
  const std::int64_t index = index_of(*what.index, index_bits);
  const std::vector<std::int64_t> extents = extents_of(what.array->name);
  const Subscripted of = subscripted(what.where, extents.size());
  const std::string place = fmt::format("{}:{}", what.where.file, what.where.line);
  if (!is_in_launch()) {
    if (is_new(what)) report_fault(fmt::format("{}: host code {}", place, index_text(of, index, extents)));
    return;
  }
  Block& block = Block::current();
  const std::vector<ArrayRange> arrays = block.shared().arrays();
  // Where a declaration that was translated stands before it on the line, the column is that of another text.
  const std::string line = of.array.empty() ? line_of(what.where) : "";
  const bool is_shared = std::any_of(arrays.begin(), arrays.end(), [&](const ArrayRange& one) {
    return of.array.empty() ? has_word(line, one.name) : one.name == of.name();
  });
  if (!is_shared) block.fail(index_text(of, index, extents), place);
  // All of a shared array lies in one piece, and what is outside of that is told by those who watch it.
  if (of.is_first || !is_new(what)) return;
  report_kernel_note(
      KernelFault(block.place(), index_text(of, index, extents) + "; that is another row, or none", place));
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
