// How far long work is: a bar with rate and time left on a terminal, a plain line every half minute when piped or under mpirun.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

#include "apps/common/console.h"

namespace tern {

/// "epoch 3/15 [=====>    ]  52 %  4832/9306  118 images/s  0:38 left  loss 0.4312"; the bar is left out if
/// bar_width is 0. `seconds` is the time that `done` took.
std::string progress_line(const std::string& label, std::int64_t done, std::int64_t total, double seconds,
                          const std::string& unit, const std::string& note, int bar_width);

/// "0:07", "12:05", "3:00:00"
std::string duration_text(double seconds);

/// When the next plain line is due: `every` after the last one, whatever work that was of. Many short works in a row then
/// print no more than one long one.
class LinePace {
 public:
  using Clock = std::chrono::steady_clock;

  explicit LinePace(Clock::duration every, Clock::time_point start = Clock::now())
      : every_(every), last_(start) {}

  /// True if a line is due at `now`, from which the next one is then counted.
  bool take(Clock::time_point now);

 private:
  Clock::duration every_;
  Clock::time_point last_;
};

/// That of the whole program: a line every 30 seconds.
LinePace& line_pace();

class Progress {
 public:
  /// Counts to `total` `unit`s. Writes to `out`, if it is not nullptr: as a bar if that is a terminal, else plain lines at
  /// `pace`, which must live as long.
  Progress(std::string label, std::int64_t total, std::string unit, std::FILE* out = remarks_stream(),
           LinePace& pace = line_pace());
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
  LinePace& pace_;
  bool terminal_;
  Clock::time_point start_ = Clock::now(), shown_{};
  bool bar_visible_ = false;
};

}  // namespace tern
