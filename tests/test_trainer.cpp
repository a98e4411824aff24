// Training on a tiny study: it learns, keeps what it promises, stops where it must, and goes on exactly.
#include "apps/train/trainer.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <csignal>

#include "apps/common/runtime.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "models/checkpoint.h"
#include "tests/support/full_disk.h"
#include "tests/support/tiny_study.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

/// A study and runs on it.
struct Fixture {
  test::TemporaryFolder folder;
  DataFolders folders{folder / "data", folder / "data/cifar-100-binary"};

  Fixture() {
    test::write_tiny_study(folders.data);
    test::write_tiny_cifar(folders.cifar);
  }

  Run run(const char* name, const std::vector<std::string>& settings) {
    return Run::create(folder / name, test::tiny_config(settings));
  }
};

StudyData data_of(const Run& run, const Fixture& fixture) {
  return load_study_data(run.config, fixture.folders);
}

std::string error_of_training(Trainer& trainer) {
  return test::error_of([&] { trainer.train(); });
}

std::vector<std::byte> bytes_of(const fs::path& path) {
  return read_file(path);
}

/// Tests run side by side: one thread each.
const int kThreads = [] {
  set_thread_count(1);
  return thread_count();
}();

}  // namespace

TEST_CASE("trainer: two heads learn; files and numbers are there") {
  Fixture fixture;
  Run run = fixture.run("run", {"epochs=3", "cifar=small", "cifar_count=8"});
  const StudyData data = data_of(run, fixture);
  Trainer trainer(run, Part::two_heads, data, {});
  trainer.train();
  CHECK(trainer.epochs_done() == 3);

  const CsvTable csv = read_csv(run.metrics_file());
  REQUIRE(csv.rows.size() == 3);
  const auto value = [&](std::size_t row, const char* name) { return csv.number(row, csv.column(name)); };
  CHECK(value(2, "train_loss") < value(0, "train_loss"));
  CHECK(value(2, "train_super_accuracy_percent") > 60);
  CHECK(value(0, "images_per_second") > 0);
  for (const char* file : {"last.safetensors", "best.safetensors", "state.safetensors"}) {
    CHECK(fs::exists(run.folder() / "checkpoints" / file));
  }
  const LoadedModel last = load_model(run.last_model(Part::two_heads));
  CHECK(last.metadata.at("epoch") == "3");
  const Json& summary = run.summary.at("models").at("two_heads");
  CHECK(summary.at("last").at("epoch") == 3);
  CHECK(summary.at("parameters") == summary.at("trained_parameters"));
  CHECK(summary.at("updates") == 3 * ((data.split.train.size() + 11) / 12));
}

TEST_CASE("trainer: a second trainer on the same run goes on to the same bytes as one that never stopped") {
  Fixture fixture;
  const std::vector<std::string> settings{"approach=two_models", "levels=sub", "schedule=cosine",
                                          "accumulate=2",        "flip=true",  "rotation_degrees=10"};
  Run whole = fixture.run("whole", settings);
  const StudyData data = data_of(whole, fixture);
  Trainer(whole, Part::sub, data, {}).train();

  Run parted = fixture.run("parted", settings);
  {
    Trainer trainer(parted, Part::sub, data, {});
    parted.config.epochs = 1;
    trainer.train();  // test_resume stops one in the middle of an epoch
    parted.config.epochs = 2;
  }
  Trainer second(parted, Part::sub, data, {});
  CHECK(second.epochs_done() == 1);
  second.train();
  CHECK(bytes_of(whole.last_model(Part::sub)) == bytes_of(parted.last_model(Part::sub)));
  CHECK(bytes_of(whole.best_model(Part::sub)) == bytes_of(parted.best_model(Part::sub)));
}

TEST_CASE("trainer: a loss that is no number stops the run and leaves the last good checkpoint") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models", "levels=super", "epochs=1"});
  const StudyData data = data_of(run, fixture);
  Trainer(run, Part::super, data, {}).train();

  run.config.epochs = 9;
  run.config.optimizer = "adamw";
  run.config.learning_rate = 1e3;
  run.config.weight_decay = 1e3;  // each update multiplies the weights by a million
  Trainer diverging(run, Part::super, data, {});
  const std::string message = error_of_training(diverging);
  // In a step, or after an epoch, of which the validation looks at the logits first.
  CHECK_MESSAGE((message.starts_with("loss of the super model in ") ||
                 message.starts_with("logits of the super model in the validation after epoch ")),
                message);
  CHECK(message.find("finite number") != message.npos);
  const std::string kept = "the checkpoints are those of epoch " + std::to_string(diverging.epochs_done());
  CHECK_MESSAGE(message.find(kept) != message.npos, message);
  const LoadedModel last = load_model(run.last_model(Part::super));
  CHECK(last.metadata.at("epoch") == std::to_string(diverging.epochs_done()));
  CHECK(last.metadata.at("epoch") < "9");
  for (const NamedTensor& entry : last.model.state_dict()) {
    if (entry.tensor.dtype() != DType::f32) continue;
    for (const float value : entry.tensor.to_vector<float>()) REQUIRE(std::isfinite(value));
  }
  CHECK(read_csv(run.metrics_file()).rows.size() == static_cast<std::size_t>(diverging.epochs_done()));
}

TEST_CASE("trainer: logits of the validation that are no numbers stop the run and name the image") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models", "levels=super", "epochs=1", "learning_rate=1e-30"});
  const StudyData data = data_of(run, fixture);
  const ResNet backbone = make_resnet("narrow_resnet10_4", 1);
  StateDict weights = backbone.state_dict();
  // Training normalises by the batch's own statistics; only evaluation meets these.
  for (NamedTensor& entry : weights) {
    if (entry.name.ends_with("running_mean")) {
      std::fill_n(entry.tensor.data<float>(), entry.tensor.numel(), -3e38f);
    }
  }
  save_weights(fixture.folder / "far.safetensors", weights);
  TrainerOptions options;
  options.weights = fixture.folder / "far.safetensors";
  Trainer trainer(run, Part::super, data, options);
  const std::string message = error_of_training(trainer);
  const std::string start =
      "logits of the super model in the validation after epoch 1: wanted finite numbers, got ";
  CHECK_MESSAGE(message.starts_with(start), message);
  const std::int64_t first = data.split.validation.front();
  CHECK_MESSAGE(message.find(" for " + data.dataset.names[static_cast<std::size_t>(first)] +
                             "; there is no") != message.npos,
                message);
  CHECK(fs::is_empty(run.folder() / "checkpoints"));
}

TEST_CASE("trainer: an infinite variance, which the loss does not show, is not saved") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models", "levels=super", "epochs=1"});
  const StudyData data = data_of(run, fixture);
  const ResNet backbone = make_resnet("narrow_resnet10_4", 1);
  StateDict weights = backbone.state_dict();
  Tensor& first = *find(weights, "conv1.weight");
  for (std::int64_t i = 0; i < first.numel(); ++i) first.data<float>()[i] *= 1e30f;
  save_weights(fixture.folder / "huge.safetensors", weights);
  TrainerOptions options;
  options.weights = fixture.folder / "huge.safetensors";
  Trainer trainer(run, Part::super, data, options);
  const std::string message = error_of_training(trainer);
  CHECK_MESSAGE(message.find("the super model after epoch 1: wanted finite numbers, got ") == 0, message);
  CHECK(message.find("backbone.bn1.running_var") != message.npos);
  CHECK(message.find("; there is no checkpoint yet") != message.npos);
  CHECK(fs::is_empty(run.folder() / "checkpoints"));
}

TEST_CASE("trainer: a full disk while saving leaves the last epoch's files whole") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models", "levels=super", "epochs=1"});
  const StudyData data = data_of(run, fixture);
  Trainer(run, Part::super, data, {}).train();
  const std::vector<std::byte> model = bytes_of(run.last_model(Part::super));
  const std::vector<std::byte> state = bytes_of(run.training_state(Part::super));

  run.config.epochs = 2;
  {
    Trainer trainer(run, Part::super, data, {});
    const test::FullDisk full(1 << 20);
    const std::string message = error_of_training(trainer);
    CHECK_MESSAGE(message.find((run.folder() / "checkpoints").string()) == 0, message);
  }
  CHECK(bytes_of(run.last_model(Part::super)) == model);
  CHECK(bytes_of(run.training_state(Part::super)) == state);
  for (const auto& entry : fs::recursive_directory_iterator(run.folder())) {
    CHECK(entry.path().string().find(".tmp") == std::string::npos);
  }
  Trainer again(run, Part::super, data, {});
  CHECK(again.epochs_done() == 1);
}

TEST_CASE("trainer: asked to stop, it ends the step and says how to go on") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models", "levels=super"});
  const StudyData data = data_of(run, fixture);
  Trainer trainer(run, Part::super, data, {});
  const StopRequest stop;
  std::raise(SIGINT);
  const std::string message = error_of_training(trainer);
  CHECK(message.find("stopped after step 1 of epoch 1") == 0);
  CHECK(message.find("tern train --resume --out " + run.folder().string()) != message.npos);
  CHECK_FALSE(fs::exists(run.training_state(Part::super)));
}

TEST_CASE(
    "trainer: a frozen backbone stays as it is, running statistics too unless they are asked to drift") {
  Fixture fixture;
  for (const bool drifts : {false, true}) {
    const std::string mode = drifts ? "training" : "evaluation";
    Run run = fixture.run(mode.c_str(), {"approach=two_models", "levels=sub", "epochs=1", "fine_tune=frozen",
                                         "frozen_batch_norm=" + mode});
    const StudyData data = data_of(run, fixture);
    const Model before = make_model(run.config, Part::sub, data.dataset.classes, {}, Device::cpu());
    Trainer(run, Part::sub, data, {}).train();
    const LoadedModel after = load_model(run.last_model(Part::sub));
    const StateDict old_state = before.state_dict(), new_state = after.model.state_dict();
    REQUIRE(old_state.size() == new_state.size());
    bool weights_moved = false, statistics_moved = false, head_moved = false;
    for (std::size_t i = 0; i < old_state.size(); ++i) {
      const std::string& name = old_state[i].name;
      if (old_state[i].tensor.dtype() != DType::f32) continue;
      const bool moved = old_state[i].tensor.to_vector<float>() != new_state[i].tensor.to_vector<float>();
      if (name.starts_with("head"))
        head_moved |= moved;
      else if (name.find("running_") != name.npos)
        statistics_moved |= moved;
      else
        weights_moved |= moved;
    }
    CHECK_FALSE(weights_moved);
    CHECK(head_moved);
    CHECK(statistics_moved == drifts);
    CHECK(run.summary.at("models").at("sub").at("trained_parameters") == 128 * 7 + 7);
  }
}

TEST_CASE("trainer: a teacher changes what the subclass model learns") {
  Fixture fixture;
  const std::vector<std::string> settings{"approach=two_models", "epochs=1"};
  Run alone = fixture.run("alone", settings);
  const StudyData data = data_of(alone, fixture);
  Model teacher = make_model(alone.config, Part::super, data.dataset.classes, {}, Device::cpu());
  teacher.set_training(false);
  Trainer(alone, Part::sub, data, {}).train();

  Run taught = fixture.run("taught", {"approach=two_models", "epochs=1", "teacher_weight=2"});
  TrainerOptions options;
  options.teacher = &teacher;
  Trainer(taught, Part::sub, data, options).train();
  CHECK(bytes_of(alone.last_model(Part::sub)) != bytes_of(taught.last_model(Part::sub)));
}

TEST_CASE("trainer: a training state that does not fit the settings is refused") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models", "levels=super", "epochs=1"});
  const StudyData data = data_of(run, fixture);
  Trainer(run, Part::super, data, {}).train();
  run.config.super_head = HeadKind::cosine;
  CHECK_THROWS_WITH_AS(Trainer(run, Part::super, data, {}), Contains("state_super.safetensors"), Error);
}
