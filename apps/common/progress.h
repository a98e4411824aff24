// How far long work is: a bar with rate and time left on a terminal, a plain line at every tenth when piped.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace tern {

/// "epoch 3/15 [=====>    ]  52 %  4832/9306  118 images/s  0:38 left  loss 0.4312"; the bar is left out if
/// bar_width is 0. `seconds` is the time that `done` took.
std::string progress_line(const std::string& label, std::int64_t done, std::int64_t total, double seconds,
                          const std::string& unit, const std::string& note, int bar_width);

/// "0:07", "12:05", "3:00:00"
std::string duration_text(double seconds);

class Progress {
 public:
  /// Counts to `total` `unit`s. Writes to `out`; as a bar if that is a terminal.
  Progress(std::string label, std::int64_t total, std::string unit, std::FILE* out = stdout);
  ~Progress() { finish(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `note` follows the rate, for example "loss 0.43".
  void update(std::int64_t done, const std::string& note = {});
  /// Removes the bar, so that the next output starts on an empty line. Further updates show it again.
  void finish();

 private:
  using Clock = std::chrono::steady_clock;

  bool due(std::int64_t done, Clock::time_point now);

  std::string label_, unit_;
  std::int64_t total_;
  std::FILE* out_;
  bool terminal_;
  Clock::time_point start_ = Clock::now(), shown_{};
  std::int64_t tenths_shown_ = 0;
  bool bar_visible_ = false;
};

}  // namespace tern
