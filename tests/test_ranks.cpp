// Trainings on several ranks, as a user starts them: equal to one process's, repeatable, resumed, and ended by whatever goes wrong.
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "engine/distributed/world.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "engine/io/json.h"
#include "tests/support/process.h"
#include "tests/support/skip.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

bool without_mpi() {
  if (!mpi_version().empty()) return false;
  test::skip("no MPI when this was built");
  return true;
}

/// A tiny study, 36 images to train on.
struct Study {
  test::TemporaryFolder folder;

  Study() { test::write_tiny_study(folder / "data"); }

  std::vector<std::string> train(const std::string& run, int ranks,
                                 const std::vector<std::string>& sets) const {
    const TrainOptions options = test::tiny_training(folder.path(), {});
    std::vector<std::string> arguments{"train",
                                       "--config",
                                       options.config.string(),
                                       "--data",
                                       options.folders.data.string(),
                                       "--out",
                                       (folder / run).string(),
                                       "--threads",
                                       "1",
                                       "--device",
                                       "cpu"};
    if (ranks > 0) arguments.insert(arguments.end(), {"--ranks", std::to_string(ranks)});
    for (const std::string& set : sets) arguments.insert(arguments.end(), {"--set", set});
    return arguments;
  }
  std::vector<std::string> resume(const std::string& run, int ranks) const {
    return {"train",     "--resume", "--out", (folder / run).string(), "--ranks", std::to_string(ranks),
            "--threads", "1"};
  }
  void must_train(const std::string& run, int ranks, const std::vector<std::string>& sets) const {
    const test::Result result = test::run_tern(train(run, ranks, sets));
    INFO(result.output << result.errors);
    REQUIRE(result.code == 0);
  }
  std::vector<double> column(const std::string& run, const char* name) const {
    const CsvTable csv = read_csv(folder / run / "metrics.csv");
    std::vector<double> values;
    for (std::size_t row = 0; row < csv.rows.size(); ++row)
      values.push_back(csv.number(row, csv.column(name)));
    return values;
  }
  std::vector<std::byte> bytes(const std::string& run, const std::string& file) const {
    return read_file(folder / run / "checkpoints" / file);
  }
  void check_same_bytes(const std::string& one, const std::string& other) const {
    for (const char* file : {"last.safetensors", "best.safetensors", "state.safetensors"})
      CHECK(bytes(one, file) == bytes(other, file));
  }
  /// How far the losses of two trainings are apart at most, beside their size.
  double distance(const std::string& one, const std::string& other) const {
    double worst = 0;
    for (const char* name : {"train_loss", "val_loss"}) {
      const std::vector<double> a = column(one, name), b = column(other, name);
      REQUIRE(a.size() == b.size());
      for (std::size_t epoch = 0; epoch < a.size(); ++epoch)
        worst = std::max(worst, std::abs(a[epoch] - b[epoch]) / std::abs(a[epoch]));
    }
    return worst;
  }
};

/// Rounding may bring the input of a ReLU to the other side of 0, which changes a gradient by a percent or two, and gradients of
/// these images are large. At this rate a loss does not feel it, and still tells a gradient that is a tenth off.
const std::vector<std::string> kSgd{"optimizer=sgd", "learning_rate=1e-6"};

std::vector<std::string> with(std::vector<std::string> sets, const std::vector<std::string>& more) {
  sets.insert(sets.end(), more.begin(), more.end());
  return sets;
}

/// The processes that mpirun, the child of a test, has started.
std::vector<pid_t> ranks_of(pid_t mpirun) {
  std::vector<pid_t> found;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::ifstream stat(entry.path() / "stat");
    std::string text;
    if (!std::getline(stat, text)) continue;
    const std::size_t end = text.rfind(") ");
    if (end == std::string::npos || text.find("(tern)") == std::string::npos) continue;
    if (std::atoi(text.c_str() + end + 4) == mpirun) found.push_back(std::atoi(text.c_str()));
  }
  return found;
}

/// Not a zombie either, which a container's first process may never wait for.
bool is_alive(pid_t process) {
  std::ifstream stat("/proc/" + std::to_string(process) + "/stat");
  std::string text;
  return std::getline(stat, text) && text.find(") Z ") == std::string::npos;
}

void check_once(const std::string& text, const std::string& part) {
  CAPTURE(text);
  const std::size_t found = text.find(part);
  CHECK(found != std::string::npos);
  if (found != std::string::npos) CHECK(text.find(part, found + 1) == std::string::npos);
}

/// Waits until `ready` for a minute.
bool wait_until(const std::function<bool()>& ready) {
  for (int turn = 0; turn < 6000; ++turn) {
    if (ready()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace

TEST_CASE(
    "ranks: 1, 2 and 4 make the same training with the whole batch's statistics, step by step and ragged") {
  if (without_mpi()) return;
  const Study study;
  // A step an epoch; and batches of 10, 10, 10 and 6, of which four ranks have 3, 3, 2, 2 and 2, 2, 1, 1.
  const auto step = with(kSgd, {"sync_batch_norm=true", "batch_size=36", "epochs=4"});
  const auto ragged =
      with(kSgd, {"sync_batch_norm=true", "batch_size=10", "epochs=2", "clip_norm=0.5", "accumulate=3"});
  const auto mixed =
      with(kSgd, {"sync_batch_norm=true", "batch_size=11", "mixup=0.4", "cutmix=1", "label_smoothing=0.1"});
  for (const auto& [name, sets] : std::map<std::string, std::vector<std::string>>{
           {"step", step}, {"ragged", ragged}, {"mixed", mixed}}) {
    CAPTURE(name);
    study.must_train(name + "1", 0, sets);
    for (const int ranks : {2, 4}) {
      CAPTURE(ranks);
      study.must_train(name + std::to_string(ranks), ranks, sets);
      CHECK(study.distance(name + "1", name + std::to_string(ranks)) <= 1e-5);
    }
  }
  study.must_train("faster", 0, with(step, {"learning_rate=1.1e-6"}));
  CHECK(study.distance("step1", "faster") > 1e-5);
}

TEST_CASE("ranks: more of them than images in a batch, a frozen backbone, two models with a teacher") {
  if (without_mpi()) return;
  const Study study;
  // The last of 36 images in batches of 5 is alone in its batch: three of four ranks have nothing to do.
  const auto sets = with(kSgd, {"fine_tune=frozen", "head_learning_rate=0.01", "batch_size=5",
                                "approach=two_models", "teacher_weight=0.2", "kl_alpha=0"});
  study.must_train("one", 0, sets);
  study.must_train("four", 4, sets);
  CHECK(study.distance("one", "four") <= 1e-5);
}

TEST_CASE(
    "ranks: a training that goes on has the bytes of one that was left alone, on as many; others take it up, "
    "too") {
  if (without_mpi()) return;
  const Study study;
  const std::vector<std::string> sets{"epochs=3", "ema_decay=0.9"};  // local statistics
  study.must_train("whole", 2, sets);
  CHECK(read_json(study.folder / "whole/summary.json").at("ranks") == 2);
  study.must_train("parted", 2, {"epochs=1", "ema_decay=0.9"});
  test::Result result = test::run_tern(with(study.resume("parted", 2), {"--set", "epochs=3"}));
  INFO(result.errors);
  REQUIRE(result.code == 0);
  study.check_same_bytes("whole", "parted");

  result = test::run_tern(with(study.resume("whole", 3), {"--set", "epochs=4"}));
  INFO(result.output << result.errors);
  CHECK(result.code == 0);
  CHECK((result.output + result.errors).find("the run had ranks 2, now 3") != std::string::npos);
  CHECK(study.column("whole", "train_loss").size() == 4);
}

TEST_CASE("ranks: the optimiser's state parted among them leaves every byte as it is, and may come and go") {
  if (without_mpi()) return;
  const Study study;
  const std::vector<std::string> sets{"epochs=2", "ema_decay=0.9", "clip_norm=0.5"};
  study.must_train("whole", 3, sets);
  study.must_train("parted", 3, with(sets, {"shard_optimizer=true"}));
  study.check_same_bytes("whole", "parted");
  for (const char* run : {"whole", "parted"}) {  // each goes on as the other began
    const std::string parted =
        std::string("shard_optimizer=") + (run == std::string("whole") ? "true" : "false");
    const test::Result result =
        test::run_tern(with(study.resume(run, 3), {"--set", "epochs=3", "--set", parted}));
    INFO(result.errors);
    CHECK(result.code == 0);
  }
  study.check_same_bytes("whole", "parted");
}

TEST_CASE("ranks: what all of them find wrong is said once") {
  if (without_mpi()) return;
  const Study study;
  test::Result result = test::run_tern(study.train("run", 2, {"learning_rate=-1"}));
  CHECK(result.code == 1);
  check_once(result.errors, "learning_rate: wanted a number in");
  CHECK(!fs::exists(study.folder / "run"));

  fs::remove(study.folder / "data/train_images/3.png");
  result = test::run_tern(study.train("run", 2, {}));
  CHECK(result.code == 1);
  check_once(result.errors, "3.png");
  check_once(result.errors, "tern train: rank ");
}

TEST_CASE("ranks: an error of one is told with its number and ends all, as do images that differ") {
  if (without_mpi() || !mpi_version().starts_with("Open MPI")) return;  // whose options are below
  const Study study;
  for (const char* rank : {"0", "1"}) test::write_tiny_study(study.folder / rank / "data");
  const fs::path image = study.folder / "1/data/train_images/3.png";
  const auto train_on_both = [&] {  // on two hosts, whose disks hold different things under one path
    std::vector<std::string> train = study.train("run", 0, {});
    *(std::find(train.begin(), train.end(), "--data") + 1) = "/proc/self/cwd/data";
    std::string command =
        "mpirun --allow-run-as-root --map-by :OVERSUBSCRIBE --bind-to none -n 2 sh -c 'cd " +
        study.folder.path().string() + "/$OMPI_COMM_WORLD_RANK && exec " TERN_BINARY;
    for (const std::string& word : train) command += " " + word;
    const fs::path errors = study.folder / "errors.txt";
    command += "' >" + (study.folder / "output.txt").string() + " 2>" + errors.string();
    CHECK(std::system(command.c_str()) != 0);
    CHECK(!fs::exists(study.folder / "run"));
    return read_text_file(errors);
  };
  fs::copy_file(study.folder / "1/data/train_images/4.png", image, fs::copy_options::overwrite_existing);
  check_once(train_on_both(), "tern train: rank 0 of 2: the images and labels of rank 1 on ");
  fs::remove(image);
  const std::string errors = train_on_both();
  check_once(errors, "tern train: rank 1 of 2: ");
  check_once(errors, "3.png");
}

TEST_CASE("ranks: a rank that is killed ends all, and the training goes on as if nothing had been") {
  if (without_mpi()) return;
  const Study study;
  const std::vector<std::string> sets{"epochs=15"};
  study.must_train("whole", 2, sets);
  for (const std::size_t victim : {std::size_t{0}, std::size_t{1}}) {
    CAPTURE(victim);
    const std::string run = "run" + std::to_string(victim);
    const test::TemporaryFolder out;
    test::Process process(out, study.train(run, 2, sets));
    REQUIRE(wait_until([&] { return fs::exists(study.folder / run / "checkpoints/state.safetensors"); }));
    std::vector<pid_t> ranks = ranks_of(process.process());
    REQUIRE(ranks.size() == 2);
    std::sort(ranks.begin(), ranks.end());
    const auto start = std::chrono::steady_clock::now();
    kill(ranks[victim], SIGKILL);
    CHECK(process.wait() != 0);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(60));
    CHECK(process.errors().find("signal 9") != std::string::npos);  // mpirun's words, which name the rank
    check_once(process.errors(), "; the checkpoints are those of epoch ");  // the other's words
    for (const pid_t rank : ranks)
      CHECK(wait_until([&] { return !is_alive(rank); }));  // it may be on its way out
    const test::Result result = test::run_tern(study.resume(run, 2));
    INFO(result.errors);
    REQUIRE(result.code == 0);
    study.check_same_bytes("whole", run);
  }
}

TEST_CASE("ranks: one that is stopped is named by the others, which end in time") {
  if (without_mpi()) return;
  const Study study;
  const test::TemporaryFolder out;
  test::Process process(out, study.train("run", 3, {"epochs=400", "rank_patience_seconds=2"}));
  REQUIRE(wait_until([&] { return fs::exists(study.folder / "run/checkpoints/state.safetensors"); }));
  std::vector<pid_t> ranks = ranks_of(process.process());
  REQUIRE(ranks.size() == 3);
  std::sort(ranks.begin(), ranks.end());
  const auto start = std::chrono::steady_clock::now();
  kill(ranks[1], SIGSTOP);
  CHECK(process.wait() != 0);
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
  check_once(process.errors(), "tern train: rank 0 of 3: rank 1: wanted an answer within 2 s, got none");
  check_once(process.errors(), "; the checkpoints are those of epoch ");
  CHECK(!is_alive(ranks[1]));
}

TEST_CASE(
    "ranks: processes that do not know of each other are no training, nor is any other command one for "
    "several") {
  const Study study;
  const std::vector<std::string> alone{"PMI_SIZE=2", "PMI_RANK=0"};
  test::Result result = test::run_tern(study.train("run", 0, {}), {}, alone);
  CHECK(result.code == 1);
  check_once(result.errors, "tern train: PMI_SIZE");
  result = test::run_tern(study.train("run", 0, {}), {}, {"PMI_SIZE=2", "PMI_RANK=1"});
  CHECK(result.code == 1);
  CHECK(result.errors.find("tern") == std::string::npos);  // the first one says it for all
  result = test::run_tern({"inspect", "x"}, {}, alone);
  CHECK(result.code == 1);
  CHECK(
      result.errors ==
      "tern inspect: launcher: wanted one process (train, evaluate, calibrate, predict, dump and study share "
      "their work among several), got 2 (PMI_SIZE)\n");
  CHECK(!fs::exists(study.folder / "run"));
}

TEST_CASE("ranks: --ranks starts as many as it says, or none") {
  const Study study;
  const std::vector<std::string> train_two = study.train("run", 2, {});
  if (mpi_version().empty()) {
    const test::Result result = test::run_tern(train_two);
    CHECK(result.code == 1);
    check_once(result.errors, "tern train: --ranks: wanted 1, since this tern was built without MPI");
    return;
  }
  for (const int ranks : {1, 3}) {
    const test::Result result =
        test::run_tern(study.train("run", ranks, {}), {}, {"PMI_SIZE=2", "PMI_RANK=0"});
    CHECK(result.code == 1);
    CHECK(result.errors == "tern train: --ranks: wanted none under a launcher, or its number, 2, got " +
                               std::to_string(ranks) + "\n");
  }
  test::Result result =
      test::run_tern(train_two, {}, {"TERN_RANKS_STARTED=1"});  // by an mpirun of another MPI
  CHECK(result.code == 1);
  check_once(result.errors,
             "tern train: --ranks: wanted mpirun to start 2 processes that know of each other");
  result = test::run_tern(train_two, {}, {"PATH=/nowhere"});
  CHECK(result.code == 1);
  check_once(result.errors, "tern train: --ranks: wanted mpirun on the PATH");
  CHECK(!fs::exists(study.folder / "run"));
}
