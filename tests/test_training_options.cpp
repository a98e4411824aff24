// A training with the options that make it generalise: each does what it says, and with all of them a resumed run
// ends as one that never stopped.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "apps/train/trainer.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "models/checkpoint.h"
#include "tests/support/tiny_run.h"

using namespace tern;
namespace fs = std::filesystem;

namespace {

using Settings = std::vector<std::string>;

/// A study with CIFAR images, and runs on it.
struct Fixture {
  test::TemporaryFolder folder;
  DataFolders folders{folder / "data", folder / "data/cifar-100-binary"};

  Fixture() {
    test::write_tiny_study(folders.data);
    test::write_tiny_cifar(folders.cifar);
  }
  Run run(const char* name, Settings settings) {
    const Settings base{"cifar=small", "cifar_count=12", "metric_counts_extra=false"};
    settings.insert(settings.begin(), base.begin(), base.end());
    return Run::create(folder / name, test::tiny_config(settings));
  }
  StudyData data(const Run& run) const { return load_study_data(run.config, folders); }
};

/// Heads alone learn, at a third of the time.
constexpr const char* kQuick = "fine_tune=frozen";

/// Every option that a two-head training may have.
Settings everything() {
  return {"flip=true",
          "rotation_degrees=10",
          "random_resized_crop=true",
          "rand_augment=2",
          "random_erasing=0.5",
          "random_erasing_value=random",
          "mixup=0.4",
          "cutmix=1",
          "ema_decay=0.6",
          "sampler=balanced",
          "outlier_exposure=0.5",
          "patience=5",
          "label_smoothing=0.1",
          "accumulate=2",
          "schedule=cosine"};
}

void train_to(Run& run, Part part, const StudyData& data, std::int64_t epochs, Model* teacher = nullptr) {
  TrainerOptions options;
  options.teacher = teacher;
  const std::int64_t planned = run.config.epochs;
  Trainer trainer(run, part, data, options);
  run.config.epochs = epochs;
  trainer.train();
  run.config.epochs = planned;
}

/// The tensors of a training state whose names begin with `prefix`, which is taken off.
StateDict state_part(const fs::path& file, const std::string& prefix) {
  StateDict found;
  for (NamedTensor& entry : read_weight_file(file).tensors) {
    if (entry.name.starts_with(prefix)) found.push_back({entry.name.substr(prefix.size()), entry.tensor});
  }
  return found;
}

std::vector<float> values_of(const StateDict& state, const std::string& name) {
  const Tensor* tensor = find(state, name);
  REQUIRE(tensor != nullptr);
  return tensor->to_vector<float>();
}

/// Tests run side by side: one thread each.
const int kThreads = [] {
  set_thread_count(1);
  return thread_count();
}();

}  // namespace

TEST_CASE("training options: all at once, a resumed run ends with the same bytes") {
  Fixture fixture;
  Settings settings = everything();
  settings.push_back("epochs=3");
  for (const bool two_heads : {true, false}) {
    const Part part = two_heads ? Part::two_heads : Part::sub;
    if (!two_heads) settings.insert(settings.end(), {"approach=two_models", "teacher_weight=0.2"});
    Run whole = fixture.run(two_heads ? "whole" : "whole_sub", settings);
    const StudyData data = fixture.data(whole);
    Model teacher = make_model(whole.config, Part::super, data.dataset.classes, {}, Device::cpu());
    teacher.set_training(false);
    Model* const used = two_heads ? nullptr : &teacher;
    train_to(whole, part, data, 3, used);
    Run parted = fixture.run(two_heads ? "parted" : "parted_sub", settings);
    train_to(parted, part, data, 1, used);
    train_to(parted, part, data, 2, used);
    train_to(parted, part, data, 3, used);
    CHECK(read_file(whole.last_model(part)) == read_file(parted.last_model(part)));
    CHECK(read_file(whole.best_model(part)) == read_file(parted.best_model(part)));
    CHECK(read_file(whole.training_state(part)) == read_file(parted.training_state(part)));
    CHECK(read_csv(parted.metrics_file()).rows.size() == 3);
  }
}

TEST_CASE("training options: each alone trains to the end, and changes what is learned") {
  Fixture fixture;
  Run plain = fixture.run("plain", {"epochs=1", kQuick});
  const StudyData data = fixture.data(plain);
  train_to(plain, Part::two_heads, data, 1);
  int number = 0;
  for (const char* option : {"random_resized_crop=true", "rand_augment=2", "random_erasing=0.9", "mixup=0.2",
                             "cutmix=1", "ema_decay=0.5", "sampler=balanced", "outlier_exposure=0.5"}) {
    CAPTURE(option);
    Run run = fixture.run(std::to_string(++number).c_str(), {"epochs=1", kQuick, option});
    train_to(run, Part::two_heads, data, 1);
    CHECK(read_file(run.last_model(Part::two_heads)) != read_file(plain.last_model(Part::two_heads)));
  }
  Run patient = fixture.run(
      "patient", {"epochs=1", "patience=3", "crop_scale_min=0.5", "rand_augment_magnitude=3", kQuick});
  train_to(patient, Part::two_heads, data, 1);
  CHECK(read_file(patient.last_model(Part::two_heads)) == read_file(plain.last_model(Part::two_heads)));
  CHECK(read_file(patient.training_state(Part::two_heads)) ==
        read_file(plain.training_state(Part::two_heads)));
}

TEST_CASE("training options: the average is what is validated and saved; the state holds both") {
  Fixture fixture;
  Run run = fixture.run("run", {"epochs=2", "ema_decay=0.9", "approach=two_models", "levels=sub"});
  const StudyData data = fixture.data(run);
  train_to(run, Part::sub, data, 2);
  const StateDict average = state_part(run.training_state(Part::sub), "average.");
  const StateDict trained = state_part(run.training_state(Part::sub), "model.");
  const StateDict last = read_weight_file(run.last_model(Part::sub)).tensors;
  REQUIRE(average.size() == last.size());
  REQUIRE(trained.size() == last.size());
  for (const char* name : {"backbone.conv1.weight", "head.weight", "backbone.bn1.running_var"}) {
    CAPTURE(name);
    CHECK(values_of(last, name) == values_of(average, name));
    CHECK(values_of(last, name) != values_of(trained, name));
  }
  const Tensor* const batches = find(last, "backbone.bn1.num_batches_tracked");
  REQUIRE(batches != nullptr);
  CHECK(*batches->data<std::int64_t>() ==
        2 * ((static_cast<std::int64_t>(data.split.train.size()) + 11) / 12));

  // The same training without an average has the same weights under way.
  Run without = fixture.run("without", {"epochs=2", "approach=two_models", "levels=sub"});
  train_to(without, Part::sub, data, 2);
  CHECK(state_part(without.training_state(Part::sub), "average.").empty());
  CHECK(values_of(state_part(without.training_state(Part::sub), "model."), "head.weight") ==
        values_of(trained, "head.weight"));
}

TEST_CASE("training options: with outlier exposure nothing trains the novel column, nor answers with it") {
  Fixture fixture;
  for (const char* exposure : {"outlier_exposure=0", "outlier_exposure=0.5"}) {
    Run run = fixture.run(exposure, {exposure, "epochs=2", "weight_decay=0", "kl_alpha=0.5"});
    const StudyData data = fixture.data(run);
    const bool exposes = run.config.outlier_exposure > 0;
    const Model before = make_model(run.config, Part::two_heads, data.dataset.classes, {}, Device::cpu());
    const StateDict start = before.state_dict();
    train_to(run, Part::two_heads, data, 2);
    const StateDict end = read_weight_file(run.last_model(Part::two_heads)).tensors;
    const auto all = {std::pair{std::string("super_head"), 3}, std::pair{std::string("sub_head"), 6}};
    for (const auto& head : all) {
      const int novel = head.second;
      const auto row = [&](const StateDict& state, int index) {
        const Tensor* weight = find(state, head.first + ".weight");
        REQUIRE(weight != nullptr);
        return weight->rows(index, index + 1).to_vector<float>();
      };
      CHECK((row(start, novel) == row(end, novel)) == exposes);
      CHECK(row(start, 0) != row(end, 0));
    }
    const CsvTable csv = read_csv(run.metrics_file());
    const auto novel = csv.number(1, csv.column("val_sub_accuracy_novel_percent"));
    if (exposes) CHECK(novel == 0);
    CHECK(csv.number(1, csv.column("val_loss")) < 20);
    const auto taught = taught_classes(run.config, data, Level::sub);
    CHECK(taught.back() == (exposes ? 0 : 1));
    CHECK(taught.front() == 1);
  }
}

TEST_CASE("training options: patience ends a training that does not get better, and a resumed one alike") {
  Fixture fixture;
  // A rate of 0: no epoch after the first is better.
  const Settings settings{"epochs=9",     "head_learning_rate=0", kQuick, "patience=2", "approach=two_models",
                          "levels=super", "best_ties=first"};
  Run whole = fixture.run("whole", settings);
  const StudyData data = fixture.data(whole);
  Trainer trainer(whole, Part::super, data, {});
  trainer.train();
  CHECK(trainer.epochs_done() == 3);
  CHECK(read_csv(whole.metrics_file()).rows.size() == 3);
  CHECK(whole.summary.at("models").at("super").at("stopped_early") == true);
  const auto state = read_file(whole.training_state(Part::super));
  Trainer again(whole, Part::super, data, {});  // as --resume after the end would
  again.train();
  CHECK(again.epochs_done() == 3);
  CHECK(read_file(whole.training_state(Part::super)) == state);

  Run parted = fixture.run("parted", settings);
  train_to(parted, Part::super, data, 2);
  CHECK_FALSE(parted.summary.at("models").at("super").contains("stopped_early"));
  Trainer rest(parted, Part::super, data, {});
  rest.train();
  CHECK(rest.epochs_done() == 3);
  CHECK(read_file(parted.training_state(Part::super)) == state);

  Run patient = fixture.run(
      "patient", {"epochs=4", "head_learning_rate=0", kQuick, "approach=two_models", "levels=super"});
  Trainer never(patient, Part::super, data, {});
  never.train();
  CHECK(never.epochs_done() == 4);
}

TEST_CASE("training options: the command; exposure without outliers is refused, and the classes are told") {
  const test::TemporaryFolder folder;
  test::write_tiny_study(folder / "data");
  test::write_tiny_cifar(folder / "data/cifar-100-binary");
  TrainOptions options =
      test::tiny_training(folder.path(), {"metric_counts_extra=false", "outlier_exposure=0.5"});
  CHECK(test::error_of([&] { train(options); }) ==
        "outlier_exposure: wanted 0 without training images of the novel class (cifar = \"large\" adds "
        "some), got "
        "0.5");
  CHECK_FALSE(fs::exists(options.out));
  options.sets = {"cifar=small", "cifar_count=12", "epochs=1"};
  REQUIRE(train(options) == 0);
  const Run run = Run::open(options.out);
  CHECK(run.trained(Level::super) == std::vector<std::uint8_t>{1, 1, 1, 0});
  CHECK(run.trained(Level::sub) == std::vector<std::uint8_t>{1, 1, 1, 1, 1, 1, 0});
}
