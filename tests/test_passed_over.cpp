#include "data/passed_over.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace tern;

TEST_CASE("passed_over: counted by kind, the most frequent first, each with its first name") {
  PassedOver files("DIR");
  CHECK(files.count() == 0);
  CHECK(files.text() == "");
  for (const char* name : {"b.webp", "10.WEBP", "9.webp", "a/x.gif", "1.gif", "plain", "dot."}) {
    files.add(PassedOver::kind_of(name), name);
  }
  files.add(PassedOver::kSubFolder, "more/");
  CHECK(files.count() == 8);
  CHECK(files.text() ==
        "passed over 7 files and 1 folder of DIR: 3 .webp (9.webp), 2 .gif (1.gif), 2 without extension "
        "(dot.), "
        "1 sub-folder (more/)\n");
  CHECK(files.where() == "DIR");
  const std::vector<PassedOver::Kind> kinds = files.kinds();
  REQUIRE(kinds.size() == 4);
  CHECK(kinds[0].name == ".webp");
  CHECK(kinds[0].count == 3);
  CHECK(kinds[0].examples == std::vector<std::string>{"9.webp", "10.WEBP", "b.webp"});
  files.add(".webp", "8.webp");
  CHECK(files.kinds()[0].examples == std::vector<std::string>{"8.webp", "9.webp", "10.WEBP"});
  CHECK(files.contains("x.gif"));
  CHECK(files.contains("more"));
  CHECK_FALSE(files.contains("y.gif"));
}

TEST_CASE("passed_over: one line, whatever the names") {
  PassedOver files("DIR");
  for (int i = 0; i < 40; ++i) {
    const std::string name = "a." + std::to_string(i);
    files.add(PassedOver::kind_of(name), name);
  }
  files.add("hidden", ".two\nlines");
  files.add("hidden", ".two\nmore");
  const std::string text = files.text();
  CHECK(text.starts_with("passed over 42 files of DIR: 2 hidden (.two?lines), 1 .0 (a.0), "));
  CHECK(text.ends_with(", 33 of other kinds\n"));
}
