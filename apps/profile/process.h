// Other programs, run and waited for.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace tern::profile {

/// A program that was started. Waited for at the latest when this ends.
class Child {
 public:
  /// `command`: the program, looked for on PATH, and its arguments. `output`: a file for what it prints, both streams; empty:
  /// where this process prints. Throws Error if no process can be started.
  Child(const std::vector<std::string>& command, const std::string& output);
  ~Child();
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  /// Its exit code, or 128 + the signal that ended it; 127 if there is no such program.
  int wait();
  /// Once it was waited for: 0, if it ended by itself. Codes above 128 may be its own.
  int signal() const { return signal_; }

 private:
  pid_t process_ = -1;
  int code_ = -1, signal_ = 0;
};

/// Whether PATH has it, or it is a path to it.
bool is_program(const std::string& name);

}  // namespace tern::profile
