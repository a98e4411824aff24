// Commands that measure on several ranks, as a user starts them: the bytes of one process.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "apps/measure/whole_batches.h"
#include "engine/distributed/world.h"
#include "engine/io/file.h"
#include "tests/support/process.h"
#include "tests/support/skip.h"
#include "tests/support/tiny_run.h"

using namespace tern;
namespace fs = std::filesystem;

TEST_CASE("whole batches: each image once, in the batches of one process") {
  const WholeBatches shares(23, 5, 3);
  CHECK(shares.rounds() == 2);
  CHECK(shares.of_rank(0) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 15, 16, 17, 18, 19});
  CHECK(shares.of_rank(1) == std::vector<std::int64_t>{5, 6, 7, 8, 9, 20, 21, 22});
  CHECK(shares.of_rank(2) == std::vector<std::int64_t>{10, 11, 12, 13, 14});
  CHECK(shares.size(1, 2) == 0);
  CHECK(WholeBatches(0, 5, 3).rounds() == 0);
}

TEST_CASE("ranks that measure write what one process writes") {
  if (mpi_version().empty()) return test::skip("no MPI when this was built");
  const test::TemporaryFolder folder;
  test::write_tiny_study(folder / "data");
  TrainOptions training = test::tiny_training(folder.path(), {"epochs=1", "batch_size=4", "cifar=none"});
  training.out = folder / "run";
  REQUIRE(train(training) == 0);
  const std::string run = training.out.string();
  const auto written = [&](int ranks, std::vector<std::string> words, const fs::path& file) {
    words.insert(words.end(), {"--quiet", "--threads", "1", "--device", "cpu"});
    if (ranks > 1) words.insert(words.end(), {"--ranks", std::to_string(ranks)});
    const test::Result result = test::run_tern(words);
    INFO(result.errors);
    CHECK(result.code == 0);
    REQUIRE(fs::exists(file));
    const std::vector<std::byte> bytes = read_file(file);
    fs::remove(file);
    return bytes;
  };
  const std::string out = (folder / "out").string();
  const auto check_alike = [&](const std::vector<std::string>& words, const fs::path& file) {
    CAPTURE(words[0]);
    const std::vector<std::byte> wanted = written(1, words, file);
    for (const int ranks : {2, 3}) CHECK(written(ranks, words, file) == wanted);
  };
  check_alike({"evaluate", "--run", run, "--views", "flip"}, training.out / "evaluation.json");
  check_alike({"calibrate", "--run", run, "--outliers", "9"}, training.out / "calibration.json");
  check_alike({"dump", "--run", run, "--out", out + ".safetensors"}, out + ".safetensors");
  check_alike({"predict", "--run", run, "--images", (folder / "data/train_images").string(), "--out",
               out + ".csv", "--allow-held-out", "--probabilities"},
              out + ".csv");
}
