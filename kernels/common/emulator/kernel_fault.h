// What a kernel does that must not be done. For the emulator alone, and for who prints it.
#pragma once

#include <string>

#include "engine/core/check.h"

namespace tern::emulator {

/// what() reads "block (0, 0, 0), thread (3, 0, 0): <fault>, at add.cu:7".
class KernelFault : public Error {
 public:
  /// `line`: of the source, "add.cu:7"; may be empty.
  KernelFault(const std::string& thread, const std::string& fault, const std::string& line)
      : Error(thread, line.empty() ? fault : fault + ", at " + line),
        text_(thread + ": " + fault),
        line_(line) {}

  const std::string& line() const { return line_; }
  const std::string& text() const { return text_; }  ///< what() without the line

 private:
  std::string text_, line_;
};

}  // namespace tern::emulator
