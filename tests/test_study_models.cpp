// The best models' logits.
#include "apps/measure/study_models.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

#include "data/study.h"
#include "engine/core/check.h"
#include "models/checkpoint.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("study_models: the logits of a trained run, the same for any order of the images") {
  const test::TinyRun trained({"approach=two_models", "epochs=1"});
  const Run run = Run::open(trained.run());
  StudyModels models(run, Device::cpu());
  CHECK(models.has(Level::super));
  CHECK(models.has(Level::sub));
  const Dataset images = load_images(trained / "data/test_images", 16);
  std::vector<std::int64_t> order(12);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const Scores scores = models.score(images, order, "test");
  REQUIRE(scores.logits.super.size() == 12 * 4);
  REQUIRE(scores.logits.sub.size() == 12 * 7);
  const Scores reversed = models.score(images, {order.rbegin(), order.rend()}, "test");
  for (int i = 0; i < 12; ++i) {
    for (int c = 0; c < 7; ++c) {
      CHECK(reversed.logits.sub[(11 - i) * 7 + c] ==
            doctest::Approx(scores.logits.sub[i * 7 + c]).epsilon(1e-4));
    }
  }

  const Scores with_features = models.score(images, order, "test", true);
  CHECK(with_features.logits.sub == scores.logits.sub);
  CHECK(scores.features.sub.empty());
  REQUIRE(with_features.feature_count == 128);
  CHECK(models.levels() == std::vector<Level>{Level::super, Level::sub});
  for (const Level level : models.levels()) {
    const std::vector<float> logits = models.head(level)({with_features.features[level], 128});
    for (std::size_t i = 0; i < logits.size(); ++i) {
      CHECK(logits[i] == doctest::Approx(scores.logits[level][i]).epsilon(1e-4));
    }
  }

  SUBCASE("heat maps of several batches, an image's in its place, of the level's own model and class") {
    const Dataset larger = load_images(trained / "data/test_images", 64);
    std::vector<std::int64_t> many = order;
    many.insert(many.end(), order.begin(), order.end());  // more than a batch
    std::vector<std::int32_t> classes(24, 1);
    classes[20] = 2;
    const HeatMaps maps = models.heat_maps(larger, many, classes, Level::sub, "test");
    CHECK(maps.stage == 3);
    CHECK(maps.rows == 4);
    CHECK(maps.columns == 4);
    REQUIRE(maps.values.size() == 24 * 16);
    CHECK(*std::min_element(maps.values.begin(), maps.values.end()) >= 0);
    CHECK(*std::max_element(maps.values.begin(), maps.values.end()) > 0);
    const auto of = [](const HeatMaps& all, std::size_t i) {
      return std::vector<float>(all.values.begin() + static_cast<std::ptrdiff_t>(16 * i),
                                all.values.begin() + static_cast<std::ptrdiff_t>(16 * i + 16));
    };
    for (std::size_t i = 0; i < 12; ++i) {
      for (std::size_t place = 0; i != 8 && place < 16; ++place) {
        CHECK(of(maps, i)[place] == doctest::Approx(of(maps, 12 + i)[place]).epsilon(1e-3).scale(1e-3));
      }
    }
    CHECK(of(maps, 8) != of(maps, 20));  // of another class
    CHECK(models.heat_maps(larger, many, classes, Level::super, "test").values != maps.values);
  }
  SUBCASE("weights that overflow") {
    LoadedModel loaded = load_model(run.best_model(Part::sub));
    for (const ParameterEntry& entry : loaded.model.head_parameters()) {
      Tensor values = entry.value.data();  // the same elements
      values.assign(Tensor::full(values.shape(), 3e38f));
    }
    save_model(run.best_model(Part::sub), loaded.model);
    StudyModels overflowing(run, Device::cpu());
    CHECK_THROWS_WITH_AS(overflowing.score(images, {3, 4}, "test"),
                         Contains("best_sub.safetensors: wanted a model with finite logits, got "), Error);
    CHECK_THROWS_WITH_AS(overflowing.score(images, {3, 4}, "test"), Contains(" for 3.png"), Error);
  }
  SUBCASE("a backbone whose activations overflow") {
    LoadedModel loaded = load_model(run.best_model(Part::super));
    for (NamedTensor& entry : loaded.model.state_dict()) {
      if (!entry.name.ends_with("layer1.0.conv1.weight")) continue;
      float* const first = entry.tensor.data<float>();
      std::fill_n(first, entry.tensor.numel(), 1e38f);
      std::fill_n(first, entry.tensor.numel() / 2, -1e38f);
    }
    save_model(run.best_model(Part::super), loaded.model);
    StudyModels overflowing(run, Device::cpu());
    CHECK_THROWS_WITH_AS(overflowing.score(images, {5, 4}, "test"),
                         Contains("best_super.safetensors: wanted a model with finite logits, got "), Error);
    CHECK_THROWS_WITH_AS(overflowing.score(images, {5, 4}, "test"), Contains(" for 5.png"), Error);
  }
  SUBCASE("a checkpoint that is missing or made for other classes") {
    std::filesystem::copy_file(run.best_model(Part::super), run.best_model(Part::sub),
                               std::filesystem::copy_options::overwrite_existing);
    CHECK_THROWS_WITH_AS(StudyModels(run, Device::cpu()), Contains("best_sub.safetensors: wanted the heads"),
                         Error);
    std::filesystem::remove(run.best_model(Part::sub));
    CHECK_THROWS_WITH_AS(StudyModels(run, Device::cpu()),
                         Contains("best_sub.safetensors: wanted a checkpoint"), Error);
  }
}
