// The best models' logits and what thresholds make of them.
#include "apps/scores.h"

#include <doctest/doctest.h>

#include <numeric>

#include "data/study.h"
#include "engine/core/check.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("scores: thresholds and masks of the settings, unless the command line says otherwise") {
  const Config config = make_config({"tau_super=0.6", "tau_sub=0.7", "mask_untrained_logits=false"});
  const Decision own = resolve_decision(config, {});
  CHECK(own.tau_super == 0.6);
  CHECK(own.tau_sub == 0.7);
  CHECK_FALSE(own.mask_untrained);
  const Decision other = resolve_decision(config, {0.1, 0.2, true});
  CHECK(other.tau_super == 0.1);
  CHECK(other.tau_sub == 0.2);
  CHECK(other.mask_untrained);
}

TEST_CASE("scores: untrained classes are masked, and below tau is novel") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  run.summary["classes"] = {{"superclass_names", {"a", "b", "novel"}},
                            {"subclass_names", {"c", "d", "novel"}},
                            {"subclass_to_super", {0, 1, 2}},
                            {"superclass_trained", {1, 1, 0}},
                            {"subclass_trained", {1, 0, 1}}};
  const std::vector<float> logits{0, 5, 4, /**/ 0, 0.5f, 0};
  const Answers masked = answer_super(run, {0.9, 0.9, true}, logits);
  CHECK(masked.classes == std::vector<std::int32_t>{1, 2});  // 2: the novel class, for want of confidence
  CHECK(masked.most_probable.classes == std::vector<std::int32_t>{1, 1});
  CHECK(answer_super(run, {0.9, 0.9, false}, logits).classes[0] == 2);  // .73 with the third column
  CHECK(answer_sub(run, {0.9, 0.9, true}, logits).classes[0] == 2);
}

TEST_CASE("scores: the logits of a trained run, the same for any order of the images") {
  const test::TinyRun trained({"approach=two_models", "epochs=1"});
  const Run run = Run::open(trained.run());
  StudyModels models(run, Device::cpu());
  CHECK(models.has_super());
  CHECK(models.has_sub());
  const Dataset images = load_images(trained / "data/test_images", 16);
  std::vector<std::int64_t> order(12);
  std::iota(order.begin(), order.end(), std::int64_t{0});
  const Scores scores = models.score(images, order, "test");
  REQUIRE(scores.super_logits.size() == 12 * 4);
  REQUIRE(scores.sub_logits.size() == 12 * 7);
  const Scores reversed = models.score(images, {order.rbegin(), order.rend()}, "test");
  for (int i = 0; i < 12; ++i) {
    for (int c = 0; c < 7; ++c) {
      CHECK(reversed.sub_logits[(11 - i) * 7 + c] ==
            doctest::Approx(scores.sub_logits[i * 7 + c]).epsilon(1e-4));
    }
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
