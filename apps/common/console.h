// What a command prints: its result, on standard output, and beside it remarks on what it does, and warnings.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string_view>
#include <utility>

#include "engine/io/json.h"

namespace tern {

/// How a command prints its result.
enum class ResultForm { none, text, json };

/// One document on standard output, as its file has it. Throws std::system_error where that cannot be written.
void print_json(const Json& json);

/// Sends remarks and progress to `stream` from now on: standard output (from the start), standard error, or with nullptr
/// nowhere. Said once, before a command runs.
void send_remarks_to(std::FILE* stream);
/// From now on neither remarks nor warnings: another process says the same.
void silence_console();
/// Where warnings go: among the remarks if those are in standard output, else to standard error, or nowhere.
std::FILE* warnings_stream();
/// nullptr where nobody wants them.
std::FILE* remarks_stream();

/// Prints at once, so that a log is as far as the work, and as visible() shows it, whatever names hold; nothing to nullptr.
/// Throws std::system_error where standard output cannot be written; standard error that cannot be written stops no command.
void print_now(std::FILE* stream, std::string_view text);

/// Of how it goes: --quiet leaves it out.
template <typename... Values>
void remark(fmt::format_string<Values...> format, Values&&... values) {
  if (remarks_stream() != nullptr)
    print_now(remarks_stream(), fmt::format(format, std::forward<Values>(values)...));
}

/// Of what may surprise whoever uses the result: --quiet prints it, too.
template <typename... Values>
void warn(fmt::format_string<Values...> format, Values&&... values) {
  print_now(warnings_stream(), fmt::format(format, std::forward<Values>(values)...));
}

}  // namespace tern
