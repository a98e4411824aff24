// Tables from made-up results: means, deviations and differences by hand.
#include "apps/study/table.h"

#include <doctest/doctest.h>

#include "tests/support/files.h"

using namespace tern;

namespace {

Json estimate_json(double super, double sub) {
  const auto level = [](double value) -> Json {
    return {{"overall_percent", value}, {"seen_percent", value + 1}, {"unseen_percent", value - 1}};
  };
  return {{"super", level(super)}, {"sub", level(sub)}};
}

Json novelty_json(double auroc) {
  return {{"sub",
           {{"near",
             {{"scores",
               {{"calibrated", {{"auroc_percent", auroc + 1}, {"aurc_percent", 40}, {"augrc_percent", 20}}},
                {"energy", {{"auroc_percent", auroc}}},
                {"vim", {{"unavailable", "why"}}}}}}}}},
          {"super", Json::object()}};
}

Json level_json(double trained, double held_out) {
  return {{"far_trained_found_percent", trained},
          {"far_held_out_found_percent", held_out},
          {"seen_right_percent", trained - 9},
          {"near_right_percent", held_out - 5}};
}

/// Two folds around the pooled estimate.
Json result(double super, double sub) {
  Json json = {{"estimate", estimate_json(super, sub)},
               {"estimate_by_fold", {estimate_json(super - 1, sub - 2), estimate_json(super + 1, sub + 2)}},
               {"predictions",
                {{"novel_superclass_percent", super / 2},
                 {"novel_subclass_percent", sub},
                 {"contradicting_percent", 1.0}}},
               {"training_seconds", 90.0}};
  for (const double auroc : {70.0, 80.0}) {
    json["folds"].push_back(
        {{"super", level_json(100, 60)}, {"sub", level_json(99, 50)}, {"novelty", novelty_json(auroc)}});
    json["folds"].back()["closed_set"] = {{"super", {{"accuracy_percent", auroc + 15}}},
                                          {"sub", {{"accuracy_percent", auroc + 10}}}};
  }
  return json;
}

struct Fixture {
  test::TemporaryFolder folder;
  StudyPlan plan;
  std::vector<RowResult> results;

  Fixture() {
    test::write_quickly(folder / "b.toml", "approach = \"two_models\"\ncifar = \"small\"\n");
    test::write_quickly(
        folder / "plan.toml",
        "title = \"T\"\nfolds = 2\n[[row]]\nname = \"b\"\ntitle = \"B\"\nconfig = \"b.toml\"\n"
        "published = { super_overall = 85, super_seen = 96, super_unseen = 57 }\n"
        "[[row]]\nname = \"c\"\ntitle = \"C\"\nconfig = \"b.toml\"\ncompare_with = \"b\"\n"
        "[[row]]\nname = \"later\"\nconfig = \"b.toml\"\n");
    plan = read_plan(folder / "plan.toml");
    results = {{&plan.rows[0], 42, result(80, 60)},
               {&plan.rows[0], 43, result(84, 62)},
               {&plan.rows[1], 42, result(85, 55)}};
  }
};

bool holds(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return true;
}

}  // namespace

TEST_CASE("study_table: means of seeds, deviations of folds, differences fold by fold") {
  const Fixture fixture;
  const std::string text = study_tables(fixture.plan, fixture.results);
  // Pooled 80 and 84; folds 79, 81, 83, 85 scatter by sqrt(20/3).
  holds(text, "| B | 85 / 96 / 57 | 82.0 ± 2.6 / 83.0 ± 2.6 / 81.0 ± 2.6 | - / - / - | 61.0 ± 2.6 /");
  holds(text, "| 2 × 2 | 3.0 |");
  // Only seed 42 is common: each fold of C is 5 higher and 5 lower.
  holds(text, "| C | B | +5.0 ± 0.0 | +5.0 ± 0.0 | +5.0 ± 0.0 | -5.0 ± 0.0 | -5.0 ± 0.0 | -5.0 ± 0.0 | 2 |");
  holds(text, "| B | 100.0 ± 0.0 | 60.0 ± 0.0 | - | 50.0 ± 0.0 | - |");
  holds(text, "| B | 41.0 ± 1.4 | 61.0 ± 1.4 | 1.0 ± 0.0 |");
  holds(text, "Table 6");
  holds(text,
        "| B | 90.0 ± 5.8 | 85.0 ± 5.8 | 76.0 ± 5.8 | 40.0 ± 0.0 | 20.0 ± 0.0 | 90.0 ± 0.0 | 45.0 ± 0.0 |");
  holds(text, "| row | calibrated | energy | vim |");
  holds(text, "| B | 76.0 ± 5.8 | 75.0 ± 5.8 | - |");
  CHECK(text.find("later") == std::string::npos);
  CHECK(text.find("Table 8") == std::string::npos);  // nobody measured it
}

TEST_CASE("study_table: one level of classes is spoken of as classes") {
  Fixture fixture;
  for (RowResult& result : fixture.results) {
    result.result["one_level"] = true;
    for (Json& fold : result.result["folds"]) {
      fold["novelty"]["super"] = {{"far_held_out", {{"scores", {{"energy", {{"auroc_percent", 90.0}}}}}}}};
    }
  }
  std::string text = study_tables(fixture.plan, fixture.results);
  holds(text, "heads are of the any-class level, of the classes.");
  holds(text, "% of a novel class, ");
  holds(text,
        "| row | any-class, published | any-class, tern | class, published | class, tern | seeds × folds |");
  holds(text,
        "| any-class overall | any-class seen | any-class unseen | class overall | class seen | class unseen "
        "|");
  holds(text, "| row | any-class, trained groups | any-class, held-out groups | class, held-out groups |");
  holds(text, "| B | 100.0 ± 0.0 | 60.0 ± 0.0 | 50.0 ± 0.0 |\n");
  holds(text, "| row | of none | of a novel class or none | contradicting |");
  holds(text, "| row | accuracy, classes | AUROC | AURC |");
  holds(text, "| B | 85.0 ± 5.8 | 76.0 ± 5.8 | 40.0 ± 0.0 | 20.0 ± 0.0 | 90.0 ± 0.0 | 45.0 ± 0.0 |\n");
  holds(text, "Table 7: held-out classes told from seen ones");
  holds(text, "Table 8: held-out CIFAR groups told from known classes");
  for (const char* word : {"subclass", "superclass", "super", " sub"}) {
    CAPTURE(word);
    CHECK(text.find(word) == std::string::npos);
  }
}

TEST_CASE("study_table: as JSON, by row and seed") {
  const Fixture fixture;
  const Json json = study_json(fixture.plan, fixture.results);
  REQUIRE(json.at("rows").size() == 3);
  CHECK(json["rows"][1]["name"] == "b");
  CHECK(json["rows"][1]["seed"] == 43);
  CHECK(json["rows"][1]["estimate"]["super"]["overall_percent"] == 84.0);
}
