// What every command that writes does when one of its writes fails, or the machine dies there: the message names the file,
// nothing half-written is taken for whole, and the same command again ends with the same bytes. tests/faults/injection.cpp
// makes the faults. Here a few attempts of each command are made, others each time; TERN_FAULTS=COUNT asks for so many, and
// the lines that are printed are those of the table in docs/reliability.md.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "engine/io/csv.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"
#include "tests/support/process.h"
#include "tests/support/tiny_run.h"

using namespace tern;
namespace fs = std::filesystem;

namespace {

struct Operation {
  std::string name, path;
};

/// A command, in a folder that is made anew for each attempt.
struct Scenario {
  std::string name;
  fs::path work;                  ///< what the command writes lies below it
  std::function<void()> prepare;  ///< puts into `work` what the command finds there
  std::vector<std::string> arguments;
  std::vector<std::string> more_again;  ///< further arguments of a second call, if `work` holds something
  std::vector<std::string> results;     ///< files below `work` that are the same after every successful run
  bool clears = false;                  ///< a second call removes what a killed one left
};

struct Attempt {
  int at = 0;  ///< number of the operation
  std::string fault;
  bool lasts = false;
};

/// How many attempts ended how.
struct Tally {
  int unnoticed = 0, told = 0, killed = 0;
};

std::map<std::string, std::string> contents_of(const Scenario& scenario) {
  std::map<std::string, std::string> contents;
  for (const std::string& name : scenario.results) {
    const auto bytes = read_file(scenario.work / name);
    contents[name] = std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  }
  return contents;
}

std::vector<std::string> temporary_files(const fs::path& folder) {
  std::vector<std::string> found;
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().filename().string().find(".tmp") != std::string::npos) found.push_back(entry.path());
  }
  return found;
}

std::vector<std::string> environment_of(const Scenario& scenario, const Attempt& attempt,
                                        const fs::path& log) {
  return {"LD_PRELOAD=" TERN_FAULT_INJECTION, "FAULT_FOLDER=" + scenario.work.string(),
          "FAULT_LOG=" + log.string(),        fmt::format("FAULT_AT={}", attempt.at),
          "FAULT=" + attempt.fault,           fmt::format("FAULT_LASTS={}", attempt.lasts ? 1 : 0)};
}

void begin(const Scenario& scenario) {
  fs::remove_all(scenario.work);
  fs::create_directories(scenario.work);
  scenario.prepare();
}

std::vector<Operation> operations_in(const fs::path& log) {
  std::vector<Operation> operations;
  const std::string text = read_text_file(log);
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t name = text.find(' ', at) + 1, path = text.find(' ', name) + 1,
                      end = text.find('\n', path);
    operations.push_back({text.substr(name, path - 1 - name), text.substr(path, end - path)});
    at = end + 1;
  }
  return operations;
}

/// What can go wrong at each operation; of many writes to one file, the first, the last and one between.
std::vector<Attempt> attempts_at(const std::vector<Operation>& operations) {
  std::map<std::string, std::vector<int>> writes;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    if (operations[i].name == "write") writes[operations[i].path].push_back(static_cast<int>(i));
  }
  std::set<int> wanted;
  for (const auto& [path, numbers] : writes) {
    wanted.insert({numbers.front(), numbers[numbers.size() / 2], numbers.back()});
  }
  std::vector<Attempt> attempts;
  for (int i = 0; i < static_cast<int>(operations.size()); ++i) {
    const std::string& name = operations[static_cast<std::size_t>(i)].name;
    if (name == "write" && !wanted.contains(i)) continue;
    const int at = i + 1;
    attempts.push_back({at, "kill"});
    if (name == "sync" || name == "rename") {
      attempts.push_back({at, "EIO"});
    } else {
      attempts.push_back({at, "ENOSPC"});
      attempts.push_back({at, "ENOSPC", /*lasts=*/true});
    }
    if (name == "write") {
      attempts.push_back({at, "EIO"});
      attempts.push_back({at, "EINTR"});
      attempts.push_back({at, "short"});
    }
  }
  return attempts;
}

/// One line that names a file or folder of the command's.
void check_told(const Scenario& scenario, const std::string& errors) {
  CHECK(std::count(errors.begin(), errors.end(), '\n') == 1);
  CHECK(errors.starts_with("tern " + scenario.arguments.front() + ": "));
  CHECK(errors.find(scenario.work.string()) != std::string::npos);
}

/// Whatever stands under its name is whole.
void check_whole(const Scenario& scenario) {
  if (!fs::exists(scenario.work)) return;
  for (const auto& entry : fs::recursive_directory_iterator(scenario.work)) {
    const fs::path& file = entry.path();
    CAPTURE(file);
    if (file.filename().string().find(".tmp") != std::string::npos) continue;
    if (file.extension() == ".json") CHECK_NOTHROW(read_json(file));
    if (file.extension() == ".safetensors") CHECK_NOTHROW(read_safetensors_header(file));
    if (file.filename() == "metrics.csv") CHECK_NOTHROW(read_csv(file));
  }
}

/// Of the call that goes on. A training that already ended is left as it is.
std::vector<std::string> arguments_again(const Scenario& scenario) {
  std::vector<std::string> arguments = scenario.arguments;
  if (!fs::is_empty(scenario.work)) {
    arguments.insert(arguments.end(), scenario.more_again.begin(), scenario.more_again.end());
  }
  return arguments;
}

void check_attempt(const Scenario& scenario, const Attempt& attempt, const Operation& operation,
                   const std::map<std::string, std::string>& whole, Tally& tally) {
  CAPTURE(attempt.at);
  CAPTURE(attempt.fault);
  CAPTURE(attempt.lasts);
  CAPTURE(operation.name);
  CAPTURE(operation.path);
  const test::TemporaryFolder folder;
  begin(scenario);
  const test::Result failed =
      test::run_tern(scenario.arguments, {}, environment_of(scenario, attempt, folder / "log"));
  CAPTURE(failed.errors);
  check_whole(scenario);
  if (attempt.fault == "kill") {
    CHECK(failed.code == 128 + SIGKILL);
    ++tally.killed;
  } else if (attempt.fault == "EINTR" || attempt.fault == "short") {
    CHECK(failed.code == 0);
    ++tally.unnoticed;
  } else if (failed.code == 0) {  // what nobody needs: the text in a lock, TensorBoard's folder
    ++tally.unnoticed;
  } else {
    CHECK(failed.code == 1);
    check_told(scenario, failed.errors);
    CHECK(temporary_files(scenario.work) == std::vector<std::string>{});
    ++tally.told;
  }
  if (failed.code != 0) {
    const test::Result second = test::run_tern(arguments_again(scenario));
    CAPTURE(second.errors);
    REQUIRE(second.code == 0);
  }
  CHECK(contents_of(scenario) == whole);
  // What a killed command was writing stays under its temporary name; a training that goes on removes it.
  if (attempt.fault == "kill" && !scenario.clears) return;
  CHECK(temporary_files(scenario.work) == std::vector<std::string>{});
}

/// TERN_FAULTS, or else `usual`.
int attempts_wanted(int usual) {
  const char* asked = std::getenv("TERN_FAULTS");
  return asked == nullptr ? usual : std::max(1, std::atoi(asked));
}

/// Makes `usual` of the attempts, spread over all of them and others each time.
void check_faults(const Scenario& scenario, int usual) {
  CAPTURE(scenario.name);
  const test::TemporaryFolder folder;
  begin(scenario);
  const test::Result good =
      test::run_tern(scenario.arguments, {}, environment_of(scenario, {}, folder / "log"));
  CAPTURE(good.errors);
  REQUIRE(good.code == 0);
  const std::map<std::string, std::string> whole = contents_of(scenario);
  const std::vector<Operation> operations = operations_in(folder / "log");
  REQUIRE(operations.size() > 0);
  const std::vector<Attempt> attempts = attempts_at(operations);
  const std::size_t stride =
      std::max<std::size_t>(1, attempts.size() / static_cast<std::size_t>(attempts_wanted(usual)));
  Tally tally;
  // Not every stride-th: where a command does the same for each of many files, that might always be the same fault.
  std::mt19937 random(static_cast<unsigned>(time(nullptr)));
  for (std::size_t begin = 0; begin < attempts.size(); begin += stride) {
    const std::size_t last = std::min(begin + stride, attempts.size()) - 1;
    const Attempt& attempt = attempts[std::uniform_int_distribution<std::size_t>(begin, last)(random)];
    check_attempt(scenario, attempt, operations[static_cast<std::size_t>(attempt.at) - 1], whole, tally);
  }
  fmt::print("| `{}` | {} | {} | {} | {} | {} |\n", scenario.name, operations.size(),
             tally.unnoticed + tally.told + tally.killed, tally.told, tally.unnoticed, tally.killed);
}

/// Kills the command after random times, each anew, lets it go on to the end, and compares that; `usual` times.
void check_kills(const Scenario& scenario, int usual) {
  CAPTURE(scenario.name);
  begin(scenario);
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(test::run_tern(scenario.arguments).code == 0);
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const std::map<std::string, std::string> whole = contents_of(scenario);
  std::mt19937 random(static_cast<unsigned>(time(nullptr)));
  std::uniform_real_distribution<double> moment(0, seconds);
  const int kills = attempts_wanted(usual);
  int in_time = 0;
  for (int i = 0; i < kills; ++i) {
    const test::TemporaryFolder output;
    begin(scenario);
    test::Process process(output, scenario.arguments);
    const double after = moment(random);
    CAPTURE(after);
    std::this_thread::sleep_for(std::chrono::duration<double>(after));
    process.signal(SIGKILL);
    in_time += process.wait() != 0;
    check_whole(scenario);
    const test::Result second = test::run_tern(arguments_again(scenario));
    CAPTURE(second.errors);
    REQUIRE(second.code == 0);
    CHECK(contents_of(scenario) == whole);
  }
  fmt::print("| `{}`, kill -9 at random moments of {:.1f} s | | {} | | {} | {} |\n", scenario.name, seconds,
             kills, kills - in_time, in_time);
}

/// Files and folders of `from` in `to`; the large ones, which commands replace and never change, as links.
void put(const fs::path& from, const fs::path& to) {
  fs::create_directories(to);
  for (const auto& entry : fs::recursive_directory_iterator(from)) {
    const fs::path target = to / fs::relative(entry.path(), from);
    if (entry.is_directory()) {
      fs::create_directories(target);
    } else if (entry.path().extension() == ".safetensors") {
      fs::create_hard_link(entry.path(), target);
    } else {
      fs::copy_file(entry.path(), target);
    }
  }
}

struct Fixture {
  test::TemporaryFolder folder;

  Fixture() {
    test::write_tiny_study(folder / "data");
    test::write_tiny_cifar(folder / "data/cifar-100-binary", 24);
    test::tiny_training(folder.path(),
                        {"epochs=2", "hold_out=true", "hold_out_fraction=0.2"});  // config.toml
  }
  std::string at(const std::string& name) const { return (folder / name).string(); }
  std::vector<std::string> train(const std::string& out) const {
    return {"train", "--config", at("config.toml"), "--data", at("data"), "--out", out, "--threads", "1"};
  }
  /// A finished run in folder/run.
  void make_run() const { REQUIRE(test::run_tern(train(at("run"))).code == 0); }
  Scenario on_run(const std::string& command, const std::vector<std::string>& arguments,
                  const std::vector<std::string>& results) const {
    Scenario scenario{
        command, folder / "work", [this] { put(folder / "run", folder / "work/run"); }, {command},
        {},      results};
    scenario.arguments.insert(scenario.arguments.end(), arguments.begin(), arguments.end());
    return scenario;
  }
};

}  // namespace

TEST_CASE("faults: training and going on") {
  const Fixture fixture;
  Scenario scenario{"train",
                    fixture.folder / "work",
                    [] {},
                    fixture.train(fixture.at("work/run")),
                    {"--resume"},
                    {"run/checkpoints/best.safetensors", "run/checkpoints/last.safetensors",
                     "run/checkpoints/state.safetensors", "run/split.csv", "run/config.toml"},
                    /*clears=*/true};
  check_faults(scenario, 10);
  check_kills(scenario, 3);
}

TEST_CASE("faults: commands that read a run") {
  const Fixture fixture;
  fixture.make_run();
  const std::string run = fixture.at("work/run"), out = fixture.at("work/out.csv"),
                    dumped = fixture.at("work/out.safetensors");
  check_faults(
      fixture.on_run("calibrate", {"--run", run, "--score", "relative_mahalanobis", "--threads", "1"},
                     {"run/calibration.json", "run/scores.safetensors"}),
      8);
  check_faults(fixture.on_run("predict",
                              {"--run", run, "--images", fixture.at("data/test_images"), "--out", out,
                               "--replace", "--allow-held-out", "--threads", "1"},
                              {"out.csv"}),
               4);
  check_faults(fixture.on_run("dump", {"--run", run, "--out", dumped, "--threads", "1"}, {"out.safetensors"}),
               4);
  check_faults(
      fixture.on_run("evaluate", {"--run", run, "--threads", "1"}, {"run/checkpoints/best.safetensors"}), 4);
  check_faults(fixture.on_run("export", {run, fixture.at("work/out.onnx"), "--replace"}, {"out.onnx"}), 4);
  check_faults(
      fixture.on_run("convert", {run + "/checkpoints/best.safetensors", dumped}, {"out.safetensors"}), 4);
  check_faults(fixture.on_run("report", {run, "--out", fixture.at("work/out.html")}, {"out.html"}), 4);
}

TEST_CASE("faults: a folder that is made from nothing") {
  const Fixture fixture;
  check_faults({"demo-data",
                fixture.folder / "work",
                [] {},
                {"demo-data", "--images-per-subclass", "2", "--out", fixture.at("work/demo")},
                {},
                {"demo/train_data.csv", "demo/test_images/0.jpg", "demo/test_labels.csv"}},
               6);
}

TEST_CASE("faults: a page about data") {
  const Fixture fixture;
  check_faults({"check-data",
                fixture.folder / "work",
                [] {},
                {"check-data", "--data", fixture.at("data"), "--out", fixture.at("work/page.html")},
                {},
                {"page.html"}},
               4);
}

TEST_CASE("faults: a study that goes on") {
  const Fixture fixture;
  test::write_quickly(
      fixture.folder / "tiny.toml",
      config_text(test::tiny_config({"epochs=1", "cifar=small", "cifar_count=8", "cifar_hold_out_count=4"})));
  test::write_quickly(
      fixture.folder / "plan.toml",
      "title = \"Tiny\"\nfolds = 2\nseeds = [3]\n[[row]]\nname = \"one\"\nconfig = \"tiny.toml\"\n");
  const Scenario scenario{
      "study",
      fixture.folder / "work",
      [] {},
      {"study", "--plan", fixture.at("plan.toml"), "--data", fixture.at("data"), "--out",
       fixture.at("work/out"), "--threads", "1"},
      {},
      {"out/one/seed-3/fold-1/checkpoints/best.safetensors",
       "out/one/seed-3/last/checkpoints/best.safetensors", "out/one/seed-3/predictions.csv"}};
  check_faults(scenario, 3);
  check_kills(scenario, 1);
}
