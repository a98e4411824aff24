// tern train as a whole: what a run folder holds, and which runs may be resumed.
#include "apps/train/train.h"

#include <doctest/doctest.h>

#include "apps/common/version.h"
#include "apps/run/run_folder.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "engine/io/state_dict.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

/// Two models, a step each an epoch, for an epoch.
const std::vector<std::string> kSettings{"approach=two_models", "epochs=1",      "cifar=small",
                                         "cifar_count=8",       "hold_out=true", "hold_out_fraction=0.2"};

struct Fixture {
  test::TemporaryFolder folder;
  Fixture() {
    test::write_tiny_study(folder / "data", 4);
    test::write_tiny_cifar(folder / "data/cifar-100-binary");
  }
  TrainOptions options(const std::vector<std::string>& more = kSettings) const {
    return test::tiny_training(folder.path(), more);
  }
};

std::string message_of(const TrainOptions& options) {
  return test::error_of([&] { train(options); });
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("train: the run folder, and every way of resuming it") {
  const Fixture fixture;
  TrainOptions options = fixture.options();
  CHECK(train(options) == 0);
  const Run run = Run::open(options.out);
  CHECK(run.summary.at("status") == "complete");
  for (const auto& [name, version] : versions()) CHECK(run.summary.at("versions").at(name) == version);
  CHECK(run.summary.at("versions").at("onednn").get<std::string>().size() >= 5);
  CHECK(run.summary.at("split").at("held_out_subclasses").size() == 1);
  CHECK(run.summary.at("split").at("pseudo_novel") == 4);
  CHECK(run.classes().subclass_count() == 7);
  CHECK(run.held_out_subclasses().size() == 1);
  CHECK(fs::path(run.summary_text("inputs", "data")).is_absolute());
  CHECK(run.summary.at("peak_memory_mib").get<double>() > 1);
  for (const char* name : {"last_super", "best_super", "last_sub", "best_sub"}) {
    CHECK(fs::exists(options.out / "checkpoints" / (std::string(name) + ".safetensors")));
  }
  CHECK(read_csv(run.metrics_file()).rows.size() == 2);
  const std::string metrics = read_text_file(run.metrics_file());

  // Without --resume it is refused; with it a complete run stays as it is.
  CHECK(holds(message_of(options), "or --resume to go on with the run that is there"));
  options.resume = true;
  CHECK(train(options) == 0);
  TrainOptions bare;
  bare.out = options.out;
  bare.resume = true;
  CHECK(train(bare) == 0);
  CHECK(read_text_file(run.metrics_file()) == metrics);

  // Other settings, weights or images are named.
  options.sets = {"epochs=2", "batch_size=5"};
  CHECK(holds(message_of(options), "--resume batch_size: wanted 12 as in the run's config.toml, got 5"));
  options.sets = {"epochs=2"};
  TrainOptions heavier = options;
  heavier.weights = WeightSource("/elsewhere.pth");
  CHECK(holds(message_of(heavier), "--resume --weights"));
  const fs::path image = fixture.folder / "data/train_images/0.png";
  const std::string picture = read_text_file(image);
  test::write_image(image, 3, 99);
  CHECK(holds(message_of(options), "--resume --data: wanted the images and labels"));
  CHECK(read_text_file(run.metrics_file()) == metrics);

  // More epochs.
  test::write_quickly(image, picture);
  CHECK(train(options) == 0);
  CHECK(read_csv(run.metrics_file()).rows.size() == 4);
  const Run longer = Run::open(options.out);
  TrainOptions whole = fixture.options();
  whole.sets = {"epochs=2"};
  whole.out = fixture.folder / "whole";
  CHECK(train(whole) == 0);
  for (const Part part : {Part::super, Part::sub}) {
    const fs::path wanted = Run::open(whole.out).training_state(part);
    CHECK(read_text_file(longer.training_state(part)) == read_text_file(wanted));
  }
  CHECK(longer.config.epochs == 2);
  CHECK(read_text_file(options.out / "config.toml")
            .ends_with("# epochs was 1 until --resume made it 2, after epoch 1 of super, 1 of sub\n"));
  CHECK(longer.summary.at("sessions").at(0).at("epochs") == 1);
  CHECK(longer.summary.at("sessions").at(1).at("epochs") == 2);
}

TEST_CASE("train: what is wrong is found before a run folder is made") {
  const Fixture fixture;
  const auto leaves_nothing = [](const TrainOptions& options, const char* part) {
    const std::string message = message_of(options);
    CHECK_MESSAGE(holds(message, part), message);
    CHECK_FALSE(fs::exists(options.out));
  };
  TrainOptions options = fixture.options();
  SUBCASE("settings") {
    options.sets = {"epoch=2"};
    leaves_nothing(options, "--set epoch: wanted a known key (the nearest is epochs), got epoch");
  }
  SUBCASE("weights") {
    options.weights = fixture.folder / "data/train_data.csv";
    leaves_nothing(options, "train_data.csv");
  }
  SUBCASE("data") {
    options.folders.data = fixture.folder / "nowhere";
    leaves_nothing(options, "nowhere");
  }
  SUBCASE("CIFAR") {
    options.folders.cifar = fixture.folder / "nowhere";
    leaves_nothing(options, "--cifar ");
  }
  SUBCASE("an image that is cut off") {
    const fs::path image = fixture.folder / "data/train_images/3.png";
    test::write_quickly(image, read_text_file(image).substr(0, 60));
    leaves_nothing(options, "3.png");
  }
  SUBCASE("one class") {
    std::string one;
    for (const CsvTable table = read_csv(fixture.folder / "data/train_data.csv");
         const auto& fields : table.rows) {
      if (fields[2] == "0") one += csv_line(fields);
    }
    test::write_quickly(fixture.folder / "data/train_data.csv",
                        "image,superclass_index,subclass_index,description\n" + one);
    options = fixture.options({});
    leaves_nothing(options, "training images: wanted at least 2 subclasses");
  }
  SUBCASE("device") {
    options.runtime.device = "abacus";
    leaves_nothing(options, "--device");
  }
  SUBCASE("precision") {
    options.sets = {"precision=tf32"};
    leaves_nothing(options, "on device cpu, got \"tf32\"");
  }
  SUBCASE("nothing to resume") {
    options.resume = true;
    leaves_nothing(options, "wanted a run folder, got no folder there");
  }
}

TEST_CASE("train: a run whose checkpoints are gone is no complete one") {
  const Fixture fixture;
  TrainOptions options = fixture.options({"epochs=1"});
  CHECK(train(options) == 0);
  options.resume = true;
  const Run run = Run::open(options.out);
  SUBCASE("all: trained anew") {
    const std::string before = read_text_file(run.best_model(Part::two_heads));
    fs::remove_all(options.out / "checkpoints");
    CHECK(train(options) == 0);
    CHECK(read_text_file(run.best_model(Part::two_heads)) == before);
  }
  SUBCASE("the best alone") {
    fs::remove(run.best_model(Part::two_heads));
    CHECK(holds(message_of(options),
                "best.safetensors: wanted the best model so far, of epoch 1, beside state"));
  }
  SUBCASE("the settings") {
    fs::remove(options.out / "config.toml");
    CHECK(holds(message_of(options), "wanted a run with config.toml, its settings (take it from a copy"));
    CHECK(fs::exists(run.best_model(Part::two_heads)));
  }
  SUBCASE("the summary") {
    fs::remove(options.out / "summary.json");
    CHECK(holds(message_of(options),
                "which nothing can make again (take it from a copy, or train anew, into another folder or "
                "after removing this one), got none"));
    CHECK(fs::exists(run.best_model(Part::two_heads)));
  }
}

TEST_CASE("train: starts from the backbone of another run") {
  const Fixture fixture;
  TrainOptions options = fixture.options({"epochs=1", "fine_tune=frozen"});
  CHECK(train(options) == 0);
  options.weights = Run::open(options.out).best_model(Part::two_heads);
  options.sets = {"seed=7", "approach=two_models"};
  options.out = fixture.folder / "second";
  CHECK(train(options) == 0);
  const auto conv_of = [](const fs::path& file) {
    return find(load_weights(file), "backbone.conv1.weight")->to_vector<float>();
  };
  CHECK(conv_of(options.weights.file) == conv_of(Run::open(options.out).best_model(Part::sub)));  // frozen
}

TEST_CASE("train: a run that was ended before its first summary starts anew") {
  const Fixture fixture;
  TrainOptions options = fixture.options({"approach=two_models", "levels=super", "epochs=1"});
  Run::create(options.out, read_config(options.config));
  write_file(options.out / "summary.json.tmp17", "{");
  options.resume = true;
  TrainOptions bare = options;
  bare.config.clear();
  CHECK(holds(message_of(bare), "--config: wanted a file with settings"));
  CHECK(train(options) == 0);
  CHECK(Run::open(options.out).summary.at("status") == "complete");
}
