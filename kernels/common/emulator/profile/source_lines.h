// Where the running program's code was written, from its own debug information (-g1 is enough) and symbol table.
#pragma once

#include <string>
#include <vector>

namespace tern::emulator {

/// A place in a source.
struct SourceLine {
  std::string function, file;
  int line = 0;
};

/// Where the call before a return address was written: innermost first, and after it where that was inlined into. Empty if
/// the program has no debug information there. Remembered, so that only the first look at an address takes time: a fraction
/// of a second for the first of a program, then microseconds.
std::vector<SourceLine> source_lines(const void* code);

/// The demangled name of the function that holds an address, as "void (anonymous namespace)::copy<float>(float const*)"; "" if
/// the program has no symbols.
std::string function_name(const void* function);

/// The same without what comes before and after it: "copy<float>".
std::string short_function_name(const std::string& demangled);

}  // namespace tern::emulator
