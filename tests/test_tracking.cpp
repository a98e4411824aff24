// What TensorBoard gets of a training: the numbers of metrics.csv, the heads' weights, validation's
// probabilities and mistakes; once each, also when a training is resumed.
#include "apps/train/tracking.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <set>

#include "apps/train/trainer.h"
#include "data/image_io.h"
#include "engine/backend/backend.h"
#include "engine/core/parallel.h"
#include "engine/io/csv.h"
#include "models/checkpoint.h"
#include "tests/support/events.h"
#include "tests/support/skip.h"
#include "tests/support/tensors.h"
#include "tests/support/tiny_study.h"

using namespace tern;
using Steps = std::vector<std::int64_t>;

namespace {

class Fixture {
 public:
  Fixture() {
    set_thread_count(1);
    test::write_tiny_study(folder_ / "data");
    test::write_tiny_cifar(folder_ / "data/cifar-100-binary");
  }
  Run run(const char* name, const std::vector<std::string>& settings) {
    return Run::create(folder_ / name, test::tiny_config(settings));
  }
  StudyData data(const Run& run) {
    return load_study_data(run.config, {folder_ / "data", folder_ / "data/cifar-100-binary"});
  }
  /// Trains a part to the end of `epochs`.
  void train(Run& run, Part part, std::int64_t epochs, Device device = Device::cpu()) {
    run.config.epochs = epochs;
    const StudyData study = data(run);
    TrainerOptions options;
    options.device = device;
    Trainer(run, part, study, options).train();
  }

 private:
  test::TemporaryFolder folder_;
};

const std::vector<std::string> kWithCifar{"cifar=small", "cifar_count=8"};

using Events = std::vector<std::vector<events::Event>>;

/// Every number of metrics.csv is a scalar of the same name, and there are no others.
void check_scalars(const Events& files, const Run& run) {
  const CsvTable csv = read_csv(run.metrics_file());
  std::size_t wanted = 0, got = 0;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    for (std::size_t column = 2; column < csv.header.size(); ++column) {
      if (csv.rows[row][column].empty()) continue;
      ++wanted;
      const std::string tag = csv.rows[row][0] + "/" + csv.header[column];
      CAPTURE(tag);
      int found = 0;
      for (const auto& [step, value] : test::values_of(files, tag)) {
        if (step != csv.integer(row, 1)) continue;
        ++found;
        CHECK(static_cast<double>(value.simple_value()) ==
              doctest::Approx(csv.number(row, column)).epsilon(1e-6));
      }
      CHECK(found == 1);
    }
  }
  for (const auto& file : files) {
    for (const events::Event& event : file) {
      for (const auto& value : event.summary().value()) {
        got += value.value_case() == events::Summary::Value::kSimpleValue;
      }
    }
  }
  CHECK(got == wanted);
}

events::Histogram histogram_at(const Events& files, const std::string& tag, std::int64_t step) {
  events::Histogram found;
  for (const auto& [at, value] : test::values_of(files, tag)) {
    if (at == step) found = value.histo();
  }
  REQUIRE_MESSAGE(found.num() > 0, tag);
  double counted = 0;
  for (const double count : found.bucket()) counted += count;
  CHECK(counted == found.num());
  return found;
}

/// One image of the validation as the model answers it.
struct Mistake {
  std::string tag;
  float probability = 0;
  std::int64_t image = 0;
};

/// A head's mistakes, found with the saved model.
std::vector<Mistake> mistakes_of(const Run& run, const StudyData& data, bool super) {
  const ClassTable& classes = data.dataset.classes;
  const std::vector<std::string>& names = super ? classes.superclass_names : classes.subclass_names;
  LoadedModel loaded = load_model(run.best_model(Part::two_heads));
  loaded.model.set_training(false);
  Loader loader(data.dataset, data.split.validation, {.batch_size = 5, .threads = 0});
  std::vector<Mistake> mistakes;
  for (const Batch& batch : loader.epoch(0)) {
    const Tensor logits = loaded.model.inference(batch.images)[super ? 0 : 1];
    const reference::Array probabilities = reference::softmax(test::array(logits));
    const auto truth = (super ? batch.targets.super : batch.targets.sub).to_vector<std::int32_t>();
    for (std::size_t row = 0; row < truth.size(); ++row) {
      const auto begin = probabilities.values.begin() + static_cast<std::ptrdiff_t>(row * names.size());
      const auto most = std::max_element(begin, begin + static_cast<std::ptrdiff_t>(names.size()));
      if (most - begin == truth[row]) continue;
      const std::int64_t image = batch.indices[row];
      mistakes.push_back({std::string("two_heads/val_") + (super ? "super" : "sub") + "_mistakes/" +
                              names[static_cast<std::size_t>(truth[row])] + " taken for " +
                              names[static_cast<std::size_t>(most - begin)] + "/" +
                              data.dataset.names[static_cast<std::size_t>(image)],
                          static_cast<float>(*most), image});
    }
  }
  std::sort(mistakes.begin(), mistakes.end(),
            [](const Mistake& a, const Mistake& b) { return a.probability > b.probability; });
  return mistakes;
}

/// The tags of a step's images that begin with `prefix`, in the order of the file.
std::vector<std::string> image_tags(const Events& files, const std::string& prefix, std::int64_t step) {
  std::vector<std::string> tags;
  for (const auto& file : files) {
    for (const events::Event& event : file) {
      for (const auto& value : event.summary().value()) {
        const bool image = value.value_case() == events::Summary::Value::kImage;
        if (image && event.step() == step && value.tag().starts_with(prefix)) tags.push_back(value.tag());
      }
    }
  }
  return tags;
}

}  // namespace

TEST_CASE("tracking: scalars are metrics.csv's; histograms hold the weights and what an epoch added") {
  for (const Device device : test::devices()) {
    Fixture fixture;
    Run run = fixture.run("run", kWithCifar);
    fixture.train(run, Part::two_heads, 2, device);
    const Events files = test::read_event_files(run.folder());
    REQUIRE(files.size() == 1);
    CHECK(files[0][0].file_version() == "brain.Event:2");
    check_scalars(files, run);
    CHECK(test::steps_of(files, "two_heads/val_loss") == Steps{1, 2});

    const StateDict state = load_model(run.last_model(Part::two_heads)).model.state_dict();
    for (const char* name : {"super_head.weight", "super_head.bias", "sub_head.weight", "sub_head.bias"}) {
      CAPTURE(name);
      const std::vector<float> saved = find(state, name)->to_vector<float>();
      double sum = 0;
      for (const float value : saved) sum += static_cast<double>(value);
      const events::Histogram weights = histogram_at(files, std::string("two_heads/weights/") + name, 2);
      CHECK(weights.num() == static_cast<double>(saved.size()));
      CHECK(weights.sum() == doctest::Approx(sum));
      CHECK(weights.min() == static_cast<double>(*std::min_element(saved.begin(), saved.end())));
      CHECK(weights.max() == static_cast<double>(*std::max_element(saved.begin(), saved.end())));
      const events::Histogram before = histogram_at(files, std::string("two_heads/weights/") + name, 1);
      const events::Histogram change = histogram_at(files, std::string("two_heads/change/") + name, 2);
      CHECK(change.num() == weights.num());
      CHECK(std::fabs(change.sum() - (weights.sum() - before.sum())) < 1e-5);
      CHECK(change.sum_squares() > 0);
    }
  }
}

TEST_CASE("tracking: validation's probabilities, seen and novel apart, and its most confident mistakes") {
  Fixture fixture;
  Run run = fixture.run("run", kWithCifar);
  fixture.train(run, Part::two_heads, 2);
  const StudyData data = fixture.data(run);
  const Events files = test::read_event_files(run.folder());
  const auto extra = static_cast<double>(data.count_extra(data.split.validation));
  REQUIRE(extra > 0);
  const auto best = run.summary.at("models").at("two_heads").at("best").at("epoch").get<std::int64_t>();
  for (const bool super : {true, false}) {
    const std::string level = super ? "super" : "sub";
    CAPTURE(level);
    const std::string name = "two_heads/val_" + level + "_probability_";
    const events::Histogram seen = histogram_at(files, name + "seen", 2);
    const events::Histogram novel = histogram_at(files, name + "novel", 2);
    CHECK(novel.num() == extra);
    CHECK(seen.num() + novel.num() == static_cast<double>(data.split.validation.size()));
    CHECK(seen.min() >= (super ? 1 / 4.0 : 1 / 7.0) - 1e-6);
    CHECK(seen.max() <= 1);

    std::vector<Mistake> mistakes = mistakes_of(run, data, super);
    // Two epochs are not enough to learn every subclass; the superclasses may be, with some processors' rounding.
    if (!super) REQUIRE(mistakes.size() > 1);
    if (mistakes.size() > Tracker::kMistakes) mistakes.resize(Tracker::kMistakes);
    std::vector<std::string> wanted;
    for (const Mistake& mistake : mistakes) wanted.push_back(mistake.tag);
    CHECK(image_tags(files, "two_heads/val_" + level + "_mistakes/", best) == wanted);
    for (const Mistake& mistake : mistakes) {
      const auto values = test::values_of(files, mistake.tag);
      const std::string png = values.back().second.image().encoded_image_string();
      const Image picture = decode_image(std::as_bytes(std::span(png)), "the mistake");
      const auto bytes = data.dataset.image(mistake.image);
      CHECK(picture.width == 16);
      CHECK(std::equal(bytes.begin(), bytes.end(), picture.rgb.begin(), picture.rgb.end()));
    }
  }
}

TEST_CASE("tracking: without CIFAR images there is no histogram of novel ones") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models"});
  fixture.train(run, Part::super, 1);
  const Events files = test::read_event_files(run.folder());
  check_scalars(files, run);
  CHECK(test::steps_of(files, "super/val_super_probability_seen") == Steps{1});
  CHECK(test::steps_of(files, "super/val_super_probability_novel").empty());
  CHECK(test::steps_of(files, "super/weights/head.weight") == Steps{1});
}

TEST_CASE("tracking: a resumed training logs to a new file, and takes out no other model's epochs") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models"});
  fixture.train(run, Part::super, 3);
  fixture.train(run, Part::sub, 1);
  fixture.train(run, Part::sub, 1);  // nothing is left to do: no file
  fixture.train(run, Part::sub, 2);
  fixture.train(run, Part::super, 5);
  const Events files = test::read_event_files(run.folder());
  CHECK(files.size() == 4);
  check_scalars(files, run);
  CHECK(test::steps_of(files, "super/val_loss") == Steps{1, 2, 3, 4, 5});
  CHECK(test::steps_of(files, "sub/val_loss") == Steps{1, 2});
}

TEST_CASE("tracking: an epoch that was logged, in part or whole, and is made again is there once") {
  Fixture fixture;
  Run run = fixture.run("run", {"approach=two_models"});
  fixture.train(run, Part::sub, 1);
  const std::string state = read_text_file(run.training_state(Part::sub));
  fixture.train(run, Part::sub, 3);
  write_file(run.training_state(Part::sub), state);  // as if it had died before the states of 2 and 3
  const auto cut_last_file = [&] {
    std::filesystem::path last;
    for (const auto& entry : std::filesystem::directory_iterator(run.folder())) {
      const bool is_log = entry.path().filename().string().starts_with("events.");
      if (is_log && entry.path() > last) last = entry.path();
    }
    const std::string log = read_text_file(last);
    test::write_quickly(last, log.substr(0, log.size() / 3));  // among the scalars of an epoch
  };
  SUBCASE("whole") {}
  SUBCASE("in part") {
    cut_last_file();
  }
  SUBCASE("the checkpoints are gone") {
    std::filesystem::remove_all(run.folder() / "checkpoints");
    std::filesystem::create_directory(run.folder() / "checkpoints");
  }
  fixture.train(run, Part::sub, 3);
  const Events files = test::read_event_files(run.folder());
  CHECK(test::steps_of(files, "sub/val_loss") == Steps{1, 2, 3});
  CHECK(test::steps_of(files, "sub/weights/head.weight") == Steps{1, 2, 3});
  check_scalars(files, run);
}

TEST_CASE("tracking: the tensorboard package reads it") {
  Fixture fixture;
  Run run = fixture.run("run", kWithCifar);
  fixture.train(run, Part::two_heads, 1);
  fixture.train(run, Part::two_heads, 2);
  const char* python = std::getenv("TERN_PYTHON");
  const std::string command = std::string(python ? python : "python3") +
                              " " TERN_SOURCE_DIR "/tests/check_tensorboard.py " + run.folder().string();
  std::fflush(stdout);
  const int status = std::system(command.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  if (code == 77 || code == 127) {
    return test::skip("no tensorboard (TERN_PYTHON may name a Python that has it)");
  }
  CHECK(code == 0);
}
