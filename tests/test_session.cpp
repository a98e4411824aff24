// What is kept of each session of a run, and what is said when they differ.
#include "apps/run/session.h"

#include <doctest/doctest.h>

#include "engine/core/parallel.h"
#include "engine/io/file.h"
#include "tests/support/temporary_folder.h"

using namespace tern;

TEST_CASE("session: what the bytes may depend on is compared with the session before") {
  const test::TemporaryFolder folder;
  set_thread_count(1);
  Run run = Run::create(folder / "run", Config{});
  const Json first = session_of(run, Device::cpu());
  CHECK(first.at("threads") == 1);
  CHECK(first.at("cpu").get<std::string>().size() > 3);
  CHECK(changes_since(run, first).empty());
  add_session(run, first);
  CHECK(run.summary.at("threads") == 1);
  CHECK(run.summary.at("versions") == first.at("versions"));
  CHECK(changes_since(run, first).empty());

  Json second = first;
  second["threads"] = 3;
  second["cpu"] = "another";
  second["backend"] = "cpu, 3 threads, oneDNN";  // which repeats what the others say
  second["versions"]["onednn"] = "9.9.9";
  const std::string old = first.at("versions").at("onednn"), cpu = first.at("cpu");
  CHECK(changes_since(run, second) ==
        "onednn " + old + ", now 9.9.9; threads 1, now 3; cpu " + cpu + ", now another");
  add_session(run, second);
  CHECK(changes_since(run, second).empty());
  CHECK(run.summary.at("threads") == 3);
  CHECK(run.summary.at("sessions").size() == 2);

  Json gpu = second;
  gpu["device"] = "cuda:0";
  CHECK(changes_since(run, gpu) == "device cpu, now cuda:0");
}

TEST_CASE("session: a run without sessions has one, of what its summary says") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  run.summary = {{"threads", 4}, {"device", "cpu"}, {"versions", {{"onednn", "1.0.0"}}}};
  supply_first_session(run);
  supply_first_session(run);
  REQUIRE(run.summary.at("sessions").size() == 1);
  set_thread_count(1);
  const std::string changes = changes_since(run, session_of(run, Device::cpu()));
  CHECK(changes.find("onednn 1.0.0, now ") == 0);
  CHECK(changes.find("; threads 4, now 1") != std::string::npos);
}

TEST_CASE("session: config.toml tells of other plans before") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", make_config({"epochs=2"}));
  add_session(run, session_of(run, Device::cpu()));
  run.save_config();
  CHECK(read_text_file(folder / "run/config.toml").find("# epochs was") == std::string::npos);
  run.summary["models"] = {{"super", {{"last", {{"epoch", 2}}}}}, {"sub", {{"last", {{"epoch", 1}}}}}};
  run.config.epochs = 5;
  add_session(run, session_of(run, Device::cpu()));
  run.save_config();
  run.save_summary();
  CHECK(read_text_file(folder / "run/config.toml")
            .ends_with("\n# epochs was 2 until --resume made it 5, after epoch 2 of super, 1 of sub\n"));
  const Run again = Run::open(folder / "run");
  CHECK(again.config.epochs == 5);
  CHECK(again.summary.at("sessions").at(0).at("epochs") == 2);

  run.summary["sessions"] = {{{"versions", "new"}}};
  run.save_summary();
  CHECK_THROWS_WITH_AS(Run::open(folder / "run"),
                       doctest::Contains("summary.json sessions: wanted what each session ran with"), Error);
}
