// A training that is killed in the middle of an epoch, and one that is asked to stop: --resume ends with the
// same bytes as a training that was left alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <csignal>

#include "engine/io/csv.h"
#include "engine/io/json.h"
#include "tests/support/events.h"
#include "tests/support/process.h"
#include "tests/support/pseudo_terminal.h"
#include "tests/support/tiny_run.h"

using namespace tern;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> arguments_for(const fs::path& folder, const std::string& out) {
  return {"train",
          "--config",
          (folder / "config.toml").string(),
          "--data",
          (folder / "data").string(),
          "--out",
          (folder / out).string(),
          "--threads",
          "1"};
}

std::size_t rows_in(const fs::path& metrics) {
  return fs::exists(metrics) ? read_csv(metrics).rows.size() : 0;
}

/// Waits until the training that prints to `terminal` has finished its first epoch and is some steps into its second, whose
/// bar is drawn after the second step at the latest.
void wait_for_second_epoch(const fs::path& run, const test::PseudoTerminal& terminal,
                           const test::Process& program) {
  terminal.wait_for("two_heads epoch 2/3 [", &program);
  REQUIRE(rows_in(run / "metrics.csv") == 1);
}

/// Kills a training and stops it, and checks that it ends as one that was left alone.
void check_interrupted(std::vector<std::string> settings) {
  const test::TemporaryFolder folder, outputs[4];
  test::write_tiny_study(folder / "data");
  test::write_tiny_cifar(folder / "data/cifar-100-binary");
  settings.insert(settings.end(), {"epochs=3", "batch_size=3", "flip=true", "rotation_degrees=10",
                                   "schedule=cosine", "warmup_steps=4"});
  test::tiny_training(folder.path(), settings);
  test::Process whole(outputs[0], arguments_for(folder.path(), "whole"));
  REQUIRE(whole.wait() == 0);

  std::vector<std::string> arguments = arguments_for(folder.path(), "parted");
  {
    const test::PseudoTerminal terminal;
    test::Process killed(outputs[1], arguments, terminal.path());
    wait_for_second_epoch(folder / "parted", terminal, killed);
    killed.signal(SIGKILL);
    REQUIRE(killed.wait() == 128 + SIGKILL);
  }
  arguments = {"train", "--resume", "--out", (folder / "parted").string()};  // with the run's own threads
  {
    const test::PseudoTerminal terminal;
    test::Process stopped(outputs[2], arguments, terminal.path());
    wait_for_second_epoch(folder / "parted", terminal, stopped);
    stopped.signal(SIGINT);
    CHECK(stopped.wait() == 128 + SIGINT);
    CHECK(stopped.errors().find("tern train: stopped after step ") == 0);
    CHECK(stopped.errors().find("go on with: tern train --resume --out ") != std::string::npos);
    const std::string errors = stopped.errors();
    CHECK(std::count(errors.begin(), errors.end(), '\n') == 1);
  }
  test::Process resumed(outputs[3], arguments);
  REQUIRE(resumed.wait() == 0);
  CHECK(resumed.output().find("goes on after epoch 1 of 3") != std::string::npos);

  CHECK(rows_in(folder / "parted/metrics.csv") == 3);
  const auto events = test::read_event_files(folder / "parted");
  CHECK(events.size() == 2);  // what was ended in its first or second epoch, and what went on to the end
  CHECK(test::steps_of(events, "two_heads/val_loss") == std::vector<std::int64_t>{1, 2, 3});
  for (const char* file : {"last.safetensors", "best.safetensors", "state.safetensors"}) {
    INFO(file);
    CHECK(read_file(folder / "whole/checkpoints" / file) == read_file(folder / "parted/checkpoints" / file));
  }
  for (const auto& entry : fs::recursive_directory_iterator(folder / "parted")) {
    CHECK(entry.path().string().find(".tmp") == std::string::npos);
  }
}

}  // namespace

TEST_CASE("resume: after kill -9 and after a polite stop, the end is the same to the bit") {
  check_interrupted({});
}

TEST_CASE("resume: the same with everything that is drawn for images and batches, and the weights averaged") {
  check_interrupted({"cifar=small", "cifar_count=12", "metric_counts_extra=false", "random_resized_crop=true",
                     "rand_augment=2", "random_erasing=0.5", "random_erasing_value=random", "mixup=0.4",
                     "cutmix=1", "ema_decay=0.6", "sampler=balanced", "outlier_exposure=0.5", "patience=3"});
}

TEST_CASE("resume: one training at a time in a folder; reading goes on beside it") {
  const test::TemporaryFolder folder, output;
  test::write_tiny_study(folder / "data");
  test::tiny_training(folder.path(), {"epochs=3", "batch_size=3"});
  const std::vector<std::string> arguments = arguments_for(folder.path(), "run");
  const std::string run = (folder / "run").string();
  const test::PseudoTerminal terminal;
  test::Process living(output, arguments, terminal.path());
  wait_for_second_epoch(run, terminal, living);
  living.signal(SIGSTOP);  // which keeps what it holds

  const test::Result second = test::run_tern({"train", "--resume", "--out", run, "--threads", "1"});
  CHECK(second.code == 1);
  CHECK(second.errors == "tern train: --out " + run + ": another process is training into it (process " +
                             std::to_string(living.process()) + ")\n");
  CHECK(test::run_tern(arguments).code == 1);
  CHECK(fs::exists(folder / "run/lock"));
  const test::Result evaluated = test::run_tern({"evaluate", "--run", run, "--threads", "1"});
  CHECK(evaluated.code == 0);
  CHECK(evaluated.output.find("was not trained to the end") != std::string::npos);
  CHECK(rows_in(folder / "run/metrics.csv") == 1);

  living.signal(SIGKILL);
  REQUIRE(living.wait() == 128 + SIGKILL);
  CHECK(fs::exists(folder / "run/lock"));
  const test::Result resumed = test::run_tern({"train", "--resume", "--out", run, "--threads", "2"});
  CHECK(resumed.code == 0);
  CHECK(resumed.output.find("note: the run had threads 1, now 2: its bytes at the end may differ") !=
        std::string::npos);
  const Json sessions = read_json(folder / "run/summary.json").at("sessions");
  CHECK(sessions.at(0).at("threads") == 1);
  CHECK(sessions.at(1).at("threads") == 2);
  CHECK_FALSE(fs::exists(folder / "run/lock"));
  CHECK(rows_in(folder / "run/metrics.csv") == 3);

  // A state that was lost is no reason to begin anew over what was trained.
  fs::remove(folder / "run/checkpoints/state.safetensors");
  const auto best = read_file(folder / "run/checkpoints/best.safetensors");
  const test::Result stateless = test::run_tern({"train", "--resume", "--out", run, "--set", "epochs=5"});
  CHECK(stateless.code == 1);
  CHECK(stateless.errors ==
        "tern train: " + run +
            "/checkpoints/state.safetensors: wanted the state of the training's 3 epochs, "
            "to go on from, got none\n");
  CHECK(read_file(folder / "run/checkpoints/best.safetensors") == best);
  CHECK(rows_in(folder / "run/metrics.csv") == 3);
}
