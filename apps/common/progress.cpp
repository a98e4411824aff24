#include "apps/common/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "engine/distributed/launch.h"

namespace tern {
namespace {

constexpr auto kRedrawEvery = std::chrono::milliseconds(100);
constexpr auto kLineEvery = std::chrono::seconds(30);

int columns_of(std::FILE* out) {
  winsize size{};
  return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string bar(double part, int width) {
  const int filled = static_cast<int>(part * width);
  std::string text(static_cast<std::size_t>(width), ' ');
  std::fill_n(text.begin(), filled, '=');
  if (filled < width) text[static_cast<std::size_t>(filled)] = '>';
  return "[" + text + "] ";
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::int64_t>(std::ceil(std::max(seconds, 0.0)));
  if (whole < 3600) return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
}

std::string progress_line(const std::string& label, std::int64_t done, std::int64_t total, double seconds,
                          const std::string& unit, const std::string& note, int bar_width) {
  const double part =
      total > 0 ? std::clamp(static_cast<double>(done) / static_cast<double>(total), 0.0, 1.0) : 1;
  std::string line = label + " ";
  if (bar_width > 0) line += bar(part, bar_width);
  line += fmt::format("{:3.0f} %  {}/{}", std::floor(part * 100), done, total);
  if (done > 0 && seconds > 0) {
    const double rate = static_cast<double>(done) / seconds;
    line += fmt::format("  {:.{}f} {}/s", rate, rate < 10 ? 1 : 0, unit);
    line += "  " + duration_text(static_cast<double>(total - done) / rate) + " left";
  }
  if (!note.empty()) line += "  " + note;
  return line;
}

bool LinePace::take(Clock::time_point now) {
  if (now - last_ < every_) return false;
  last_ = now;
  return true;
}

LinePace& line_pace() {
  static LinePace pace(kLineEvery);
  return pace;
}

Progress::Progress(std::string label, std::int64_t total, std::string unit, std::FILE* out, LinePace& pace)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      out_(out),
      pace_(pace),
      // mpirun shows its processes a terminal of its own, wherever it prints itself.
      terminal_(out != nullptr && isatty(fileno(out)) == 1 && launch_of_environment().size == 1) {}

bool Progress::due(std::int64_t done, Clock::time_point now) {
  if (out_ == nullptr) return false;
  if (terminal_) return now - shown_ >= kRedrawEvery || done == total_;
  return done < total_ && pace_.take(now);  // the caller's own line says how it ended
}

void Progress::update(std::int64_t done, const std::string& note) {
  const Clock::time_point now = Clock::now();
  if (!due(done, now)) return;
  shown_ = now;
  const double seconds = std::chrono::duration<double>(now - start_).count();
  std::string line = progress_line(label_, done, total_, seconds, unit_, note, terminal_ ? 20 : 0);
  if (terminal_) {
    const auto width = static_cast<std::size_t>(std::max(columns_of(out_) - 1, 1));
    fmt::print(out_, "\r\x1b[K{}", line.substr(0, width));
    bar_visible_ = true;
  } else {
    fmt::print(out_, "{}\n", line);
  }
  std::fflush(out_);
}

void Progress::finish() {
  if (!bar_visible_) return;
  std::fputs("\r\x1b[K", out_);
  std::fflush(out_);
  bar_visible_ = false;
}

}  // namespace tern
