#include "apps/measure/evaluation_json.h"

#include <doctest/doctest.h>

#include "tests/support/example_evaluation.h"

using namespace tern;

TEST_CASE("evaluation_json: JSON names each rate with its unit, apart for levels and sets") {
  const Json json = to_json(test::example_evaluation());
  const Json& super = json.at("validation").at("super");
  CHECK(super.at("tau") == 0.99);
  CHECK(super.at("accuracy_overall_percent").get<double>() == doctest::Approx(100.0 * 10 / 15));
  CHECK(super.at("accuracy_seen_percent") == 60.0);
  CHECK(super.at("accuracy_novel_percent") == 80.0);
  CHECK(super.at("false_novel_rate_percent") == 30.0);
  CHECK(super.at("misclassified_rate_percent") == 10.0);
  CHECK(super.at("one_minus_seen_accuracy_percent") == 40.0);
  CHECK_FALSE(json.at("validation").at("sub").contains("accuracy_novel_percent"));
  CHECK(json.at("pseudo_novel").at("sub").at("accuracy_novel_percent") == 75.0);
  CHECK(json.at("pseudo_novel").at("super").at("false_novel_rate_percent") == 25.0);
  CHECK(json.at("settings").at("approach") == "two_models");
}
