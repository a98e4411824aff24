#include "engine/backend/cuda/plan_file.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "engine/io/file.h"
#include "tests/support/temporary_folder.h"

using namespace tern;

namespace {

std::string found(const PlanFile& file, const std::string& key) {
  const std::string* const plan = file.find(key);
  return plan != nullptr ? *plan : "(none)";
}

}  // namespace

TEST_CASE("plan file: what is added is found, now and by the next program") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "made" / "when" / "needed";
  {
    PlanFile file(path);
    CHECK(found(file, "a") == "(none)");
    file.add("a", "{\"plan\": 1}");
    file.add("b c", "two\nlines\n");
    file.add("a", "");
    CHECK(found(file, "a") == "");
  }
  const PlanFile file(path);
  CHECK(file.size() == 2);
  CHECK(found(file, "a") == "");  // the later counts
  CHECK(found(file, "b c") == "two\nlines\n");
}

TEST_CASE("plan file: two programs may add to one file") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "plans";
  PlanFile first(path), second(path);
  first.add("a", "1");
  second.add("b", "2");
  first.add("c", "3");
  CHECK(PlanFile(path).size() == 3);
}

TEST_CASE("plan file: damage costs what lies behind it, and no more") {
  const test::TemporaryFolder folder;
  const auto path = folder.path() / "plans";
  {
    PlanFile file(path);
    for (const char* const key : {"first", "second", "third"}) file.add(key, std::string("plan of ") + key);
  }
  const std::string whole = read_text_file(path);
  for (std::size_t length = 0; length < whole.size(); ++length) {  // cut anywhere
    write_file(path, whole.substr(0, length));
    PlanFile cut(path);
    CHECK(cut.size() < 3);
    cut.add("fourth", "plan");
    const PlanFile again(path);
    CHECK(again.size() == cut.size());
    CHECK(found(again, "fourth") == "plan");
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {  // any byte wrong
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write_file(path, damaged);
    const PlanFile file(path);
    for (const char* const key : {"first", "second", "third"}) {
      const std::string plan = found(file, key);
      CHECK((plan == "(none)" || plan == std::string("plan of ") + key));
    }
    CHECK(file.size() <= 2);
  }
  write_file(path, "18446744073709551615 18446744073709551615 18446744073709551615\n");
  CHECK(PlanFile(path).size() == 0);
}

TEST_CASE("plan file: where it cannot be written, plans last as long as the program") {
  PlanFile nowhere("");
  nowhere.add("a", "1");
  CHECK(found(nowhere, "a") == "1");
  PlanFile forbidden("/proc/no/such/place");
  forbidden.add("a", "1");
  CHECK(found(forbidden, "a") == "1");
}

TEST_CASE("plan file: its place") {
  setenv("XDG_CACHE_HOME", "/caches", 1);
  CHECK(cache_folder() == "/caches/tern");
  CHECK(plan_file_path("cuDNN 9.19.0", "NVIDIA H100/80GB") ==
        "/caches/tern/convolution-plans-2-cuDNN_9.19.0_NVIDIA_H100_80GB");
  setenv("XDG_CACHE_HOME", "relative", 1);
  setenv("HOME", "/home/somebody", 1);
  CHECK(cache_folder() == "/home/somebody/.cache/tern");
  unsetenv("XDG_CACHE_HOME");
  unsetenv("HOME");
  CHECK(cache_folder().empty());
  CHECK(plan_file_path("cuDNN 9.19.0", "GPU").empty());
}
