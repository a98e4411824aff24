// A terminal for a program to print to, as a user's would be.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <string>
#include <thread>

#include "engine/core/check.h"
#include "tests/support/process.h"

namespace tern::test {

/// 120 columns wide. What is printed to path() is read at once, so that nobody waits for a full buffer, and kept.
class PseudoTerminal {
 public:
  PseudoTerminal() : keyboard_(posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)) {
    std::array<char, 64> name{};
    if (keyboard_ < 0 || grantpt(keyboard_) != 0 || unlockpt(keyboard_) != 0 ||
        ptsname_r(keyboard_, name.data(), name.size()) != 0) {
      throw Error("pseudo terminal", "one", "none");
    }
    path_ = name.data();
    screen_ = open(name.data(), O_RDWR | O_NOCTTY | O_CLOEXEC);  // else reading ends where a program does
    if (screen_ < 0) throw Error(path_.string(), "a pseudo terminal that can be opened", "another");
    const winsize size{.ws_row = 24, .ws_col = 120, .ws_xpixel = 0, .ws_ypixel = 0};
    ioctl(screen_, TIOCSWINSZ, &size);
    reader_ = std::thread([this] { read_all(); });
  }
  ~PseudoTerminal() {
    closing_ = true;
    reader_.join();
    close(screen_);
    close(keyboard_);
  }
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  const std::filesystem::path& path() const { return path_; }

  /// All that was printed, once `part` is in it. Throws Error after five minutes without, or when `program` has ended.
  std::string wait_for(const std::string& part, const Process* program = nullptr) const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(5);
    for (bool ended = false;;) {
      {
        const std::lock_guard lock(mutex_);
        if (text_.find(part) != std::string::npos) return text_;
        if (ended || std::chrono::steady_clock::now() > deadline)
          throw Error(ended ? "program that has ended" : "program", part,
                      text_ + (ended ? program->errors() : ""));
      }
      const bool has_ended =
          program != nullptr && program->has_ended();  // what it printed last may be on its way
      std::this_thread::sleep_for(std::chrono::milliseconds(has_ended ? 100 : 1));
      ended = has_ended;
    }
  }

 private:
  void read_all() {
    std::array<char, 4096> block{};
    while (!closing_) {
      pollfd ready{keyboard_, POLLIN, 0};
      if (poll(&ready, 1, /*milliseconds=*/20) <= 0) continue;
      const ssize_t count = read(keyboard_, block.data(), block.size());
      if (count <= 0) continue;
      const std::lock_guard lock(mutex_);
      text_.append(block.data(), static_cast<std::size_t>(count));
    }
  }

  int keyboard_ = -1, screen_ = -1;
  std::filesystem::path path_;
  std::string text_;
  mutable std::mutex mutex_;
  std::atomic<bool> closing_ = false;
  std::thread reader_;  // last: it uses the others
};

}  // namespace tern::test
