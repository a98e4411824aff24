#include "apps/common/progress.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>

#include "tests/support/pseudo_terminal.h"

using namespace tern;
using namespace std::chrono_literals;

namespace {

std::string written(std::FILE* file) {
  std::fflush(file);
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  return text;
}

}  // namespace

TEST_CASE("progress: durations") {
  CHECK(duration_text(0) == "0:00");
  CHECK(duration_text(-3) == "0:00");
  CHECK(duration_text(6.2) == "0:07");
  CHECK(duration_text(725) == "12:05");
  CHECK(duration_text(10800) == "3:00:00");
}

TEST_CASE("progress: a line holds part, rate, time left and the note") {
  CHECK(progress_line("epoch 1/2", 50, 200, 10, "images", "loss 0.5", 0) ==
        "epoch 1/2  25 %  50/200  5.0 images/s  0:30 left  loss 0.5");
  CHECK(progress_line("x", 0, 10, 0, "images", "", 4) == "x [>   ]   0 %  0/10");
  CHECK(progress_line("x", 10, 10, 1, "images", "", 4) == "x [====] 100 %  10/10  10 images/s  0:00 left");
  CHECK(progress_line("x", 0, 0, 0, "images", "", 0) == "x 100 %  0/0");
}

TEST_CASE("progress: a plain line is due so long after the last one, whoever printed that") {
  const LinePace::Clock::time_point start;
  LinePace pace(30s, start);
  CHECK_FALSE(pace.take(start + 29s));
  CHECK(pace.take(start + 31s));
  CHECK_FALSE(pace.take(start + 60s));
  CHECK(pace.take(start + 61s));
}

TEST_CASE("progress: a file gets plain lines at the pace, none when all is done, and no control characters") {
  const LinePace::Clock::time_point long_ago = LinePace::Clock::now() - 1h;
  std::FILE* file = std::tmpfile();
  REQUIRE(file);
  LinePace rare(30min, long_ago), constant(0s);
  for (const char* label : {"first", "second"}) {
    Progress progress(label, 1000, "images", file, rare);
    for (int done = 100; done <= 1000; done += 100) progress.update(done);
  }
  Progress progress("each", 3, "images", file, constant);
  for (int done = 1; done <= 3; ++done) progress.update(done, "note");
  const std::string text = written(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(text.starts_with("first  10 %  100/1000"));
  CHECK(text.find("\neach  33 %  1/3") != std::string::npos);
  CHECK(text.find("\neach  66 %  2/3") != std::string::npos);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  std::fclose(file);
}

TEST_CASE("progress: a terminal gets one line that is written again, and an empty one in the end") {
  test::PseudoTerminal terminal;
  std::FILE* file = std::fopen(terminal.path().c_str(), "w");
  REQUIRE(file);
  {
    Progress progress("work", 1000, "images", file);
    for (int done = 1; done <= 1000; ++done) progress.update(done);
  }
  std::fputs("done.", file);
  std::fclose(file);
  const std::string text = terminal.wait_for("done.");
  CHECK(text.starts_with("\r\x1b[Kwork [>                   ]   0 %  1/1000"));
  CHECK(text.find("\r\x1b[Kwork [====================] 100 %  1000/1000") != std::string::npos);
  CHECK(text.ends_with("\r\x1b[Kdone."));
  CHECK(text.find('\n') == std::string::npos);
}

TEST_CASE("progress: nobody who wants it, nothing printed") {
  LinePace constant(0s);
  Progress progress("work", 2, "images", nullptr, constant);
  progress.update(1);
  progress.finish();
}
