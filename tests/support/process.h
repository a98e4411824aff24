// Running the program itself, as a user would.
#pragma once

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "tests/support/files.h"

namespace tern::test {

/// A child process whose output goes to files in `folder`, or what it prints to `out`. `environment`: "NAME=VALUE" texts in
/// place of those of this process.
class Process {
 public:
  Process(const TemporaryFolder& folder, std::vector<std::string> arguments,
          const std::filesystem::path& out = {}, std::vector<std::string> environment = {})
      : out_(out.empty() ? folder / "stdout.txt" : out), err_(folder / "stderr.txt") {
    arguments.insert(arguments.begin(), TERN_BINARY);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    child_ = fork();
    if (child_ < 0) throw Error("fork", "a process", "none");
    if (child_ > 0) return;
    for (std::string& variable : environment) putenv(variable.data());
    redirect(out_, STDOUT_FILENO);
    redirect(err_, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  ~Process() {
    if (child_ <= 0) return;
    ::kill(child_, SIGKILL);
    wait();
  }
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void signal(int number) { ::kill(child_, number); }
  pid_t process() const { return child_; }
  bool has_ended() const {
    siginfo_t info{};
    return waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           info.si_pid != 0;
  }
  /// The exit code, or 128 + the signal that ended it.
  int wait() {
    int status = 0;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string output() const { return text_of(out_); }
  std::string errors() const { return text_of(err_); }

 private:
  static std::string text_of(const std::filesystem::path& file) {
    return std::filesystem::is_regular_file(file) ? read_text_file(file)
                                                  : std::string();  // the child makes it
  }
  static void redirect(const std::filesystem::path& file, int descriptor) {
    const int target = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOCTTY, 0644);
    if (target < 0 || dup2(target, descriptor) < 0) _exit(126);
  }

  std::filesystem::path out_, err_;
  pid_t child_ = -1;
};

struct Result {
  int code = 0;
  std::string output, errors;
};

inline Result run_tern(const std::vector<std::string>& arguments, const std::filesystem::path& out = {},
                       const std::vector<std::string>& environment = {}) {
  const TemporaryFolder folder;
  Process process(folder, arguments, out, environment);
  const int code = process.wait();
  return {code, process.output(), process.errors()};
}

}  // namespace tern::test
