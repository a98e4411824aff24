#include "apps/profile/process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sstream>

#include "engine/core/check.h"

namespace tern::profile {

Child::Child(const std::vector<std::string>& command, const std::string& output) {
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  process_ = fork();
  if (process_ < 0) throw Error(command.front(), "a process", "none");
  if (process_ > 0) return;
  prctl(PR_SET_PDEATHSIG, SIGTERM);  // a program without end is not to outlive who waits for it
  if (!output.empty()) {
    const int file = open(output.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (file < 0 || dup2(file, STDOUT_FILENO) < 0 || dup2(file, STDERR_FILENO) < 0) _exit(126);
  }
  execvp(arguments[0], arguments.data());
  _exit(127);
}

Child::~Child() {
  wait();
}

int Child::wait() {
  if (process_ < 0) return code_;
  int status = 0;
  while (waitpid(process_, &status, 0) < 0 && errno == EINTR) {
  }
  process_ = -1;
  signal_ = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + signal_;
}

bool is_program(const std::string& name) {
  if (name.find('/') != name.npos) return access(name.c_str(), X_OK) == 0;
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path == nullptr ? "" : path);
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (access((folder + "/" + name).c_str(), X_OK) == 0) return true;
  }
  return false;
}

}  // namespace tern::profile
