#include "apps/common/progress.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <string>

using namespace tern;

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

TEST_CASE("progress: a file gets a plain line at each tenth and no control characters") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file);
  {
    Progress progress("work", 1000, "images", file);
    for (int done = 1; done <= 1000; ++done) progress.update(done);
  }
  const std::string text = written(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 9);  // 10 % to 90 %
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("work  10 %  100/1000") != std::string::npos);
  std::fclose(file);
}
