// What evaluating a trained run finds.
#include "apps/measure/evaluate.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("evaluate: counts, thresholds at their ends, and changed data") {
  const test::TinyRun trained(
      {"epochs=1", "cifar=small", "cifar_count=8", "hold_out=true", "hold_out_fraction=0.2"});
  EvaluateOptions options;
  options.runs = {trained.run()};
  CHECK(evaluate(options) == 0);
  const Json json = read_json(trained / "run/evaluation.json");
  const Json& super = json.at("validation").at("super");
  CHECK(super.at("seen_images") == 10);  // a quarter of the 40 that are not held out
  CHECK(super.at("novel_images") == 2);  // and of the 8 CIFAR images
  CHECK(super.at("accuracy_seen_percent").get<double>() + super.at("false_novel_rate_percent").get<double>() +
            super.at("misclassified_rate_percent").get<double>() ==
        doctest::Approx(100));
  CHECK(json.at("pseudo_novel").at("sub").at("novel_images") == 8);
  CHECK(json.at("pseudo_novel").at("super").at("seen_images") == 8);
  CHECK(json.at("settings").at("tau_sub") == 0.85);
  CHECK(json.at("settings").at("held_out_subclasses") == 1);

  // What does not depend on thresholds, and class by class.
  CHECK(json.at("novelty").at("super").contains("far"));
  CHECK_FALSE(json.at("novelty").at("super").contains("near"));
  const Json& sub = json.at("novelty").at("sub");
  CHECK(sub.at("near").at("novel_images") == 8);
  CHECK(sub.at("far").at("novel_images") == 2);
  CHECK(sub.at("near").at("scores").at("max_softmax").contains("fpr_at_95_tpr_seen_positive_percent"));
  CHECK(sub.at("near")
            .at("scores")
            .at("knn")
            .at("unavailable")
            .get<std::string>()
            .starts_with("knn: wanted k in 1..30"));
  CHECK(json.at("closed_set").at("sub").at("images") == 10);
  CHECK(json.at("classes").at("sub").size() == 7);
  CHECK(json.at("confusion_matrix_images").at("super").size() == 4);

  options.novelty_scores = false;
  options.decision.consistent = true;
  evaluate(options);
  const Json brief = read_json(trained / "run/evaluation.json");
  CHECK_FALSE(brief.contains("novelty"));
  CHECK(brief.contains("classes"));
  CHECK(brief.at("settings").at("consistent") == true);
  CHECK(brief.at("validation").at("super") == json.at("validation").at("super"));
  options.decision.consistent = false;

  // With tau = 1 all is novel (but a probability of exactly 1); with 0 nothing is made novel.
  options.decision.tau.super = options.decision.tau.sub = 1;
  evaluate(options);
  const Json all = read_json(trained / "run/evaluation.json");
  CHECK(all.at("validation").at("super").at("false_novel_rate_percent") == 100.0);
  CHECK(all.at("pseudo_novel").at("sub").at("accuracy_novel_percent") == 100.0);
  options.decision.tau.super = options.decision.tau.sub = 0;
  evaluate(options);
  const Json none = read_json(trained / "run/evaluation.json");
  CHECK(none.at("validation").at("sub").at("false_novel_rate_percent") <=
        json.at("validation").at("sub").at("false_novel_rate_percent"));
  // Images that moved, and images that changed.
  std::filesystem::rename(trained / "data", trained / "moved");
  CHECK_THROWS_AS(evaluate(options), Error);
  options.folders.data = trained / "moved";
  options.folders.cifar = trained / "moved/cifar-100-binary";
  CHECK(evaluate(options) == 0);
  test::write_image(trained / "moved/train_images/0.png", 3, 99);
  CHECK_THROWS_WITH_AS(evaluate(options), Contains("wanted the images that the run was trained on"), Error);
}
