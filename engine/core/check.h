// Errors for people: every failure names its subject (an op, a file, a config key), what was wanted and what
// came.
#pragma once

#include <source_location>
#include <stdexcept>
#include <string>

namespace tern {

/// The one exception tern throws. what() reads "<subject>: wanted <wanted>, got <got>"; `where` is the
/// throwing line, kept for debuggers and never printed to a user.
class Error : public std::runtime_error {
 public:
  Error(const std::string& subject, const std::string& wanted, const std::string& got,
        std::source_location where = std::source_location::current())
      : std::runtime_error(subject + ": wanted " + wanted + ", got " + got), where_(where) {}

  /// For failures that are no mismatch ("disk full"): what() reads "<subject>: <message>".
  Error(const std::string& subject, const std::string& message,
        std::source_location where = std::source_location::current())
      : std::runtime_error(subject + ": " + message), where_(where) {}

  const std::source_location& where() const { return where_; }

 private:
  std::source_location where_;
};

/// Throws Error{subject, wanted, got} unless `ok`. For cheap texts; where a text must be formatted, write
/// `if (!ok) throw Error(...)` so that the good path pays nothing.
inline void check(bool ok, const char* subject, const char* wanted, const char* got,
                  std::source_location where = std::source_location::current()) {
  if (!ok) throw Error(subject, wanted, got, where);
}

}  // namespace tern
