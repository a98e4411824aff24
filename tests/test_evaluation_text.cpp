#include "apps/measure/evaluation_text.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "apps/measure/evaluation_json.h"
#include "tests/support/example_evaluation.h"

using namespace tern;

namespace {

bool has_row(const std::string& table, const std::string& metric, const std::string& value) {
  const std::size_t at = table.find(metric);
  return at != std::string::npos &&
         table.substr(at, table.find('\n', at) - at).find(value) != std::string::npos;
}

}  // namespace

TEST_CASE("evaluation_text: the table says the same") {
  const std::string table = rates_text(test::example_evaluation());
  CHECK(has_row(table, "false-novel rate", "30.00 %"));
  CHECK(has_row(table, "misclassified rate", "10.00 %"));
  CHECK(has_row(table, "1 - seen accuracy", "40.00 %"));
  CHECK(has_row(table, "called novel  ", "75.00 %"));
  CHECK(has_row(table, "mapped to seen", "25.00 %"));
  CHECK(table.find("approach=two_models") != std::string::npos);
}

TEST_CASE("evaluation_text: with one level of classes nothing is a superclass or subclass") {
  Evaluation evaluation = test::example_evaluation();
  evaluation.distances = TreeDistances{0.5, 0.5, 0.5};
  CHECK(rates_text(evaluation).find("superclass") != std::string::npos);
  evaluation.one_level = true;
  evaluation.settings.clear();  // whose keys are what they are
  const auto check_words = [](const std::string& text) {
    CHECK(text.find("super") == std::string::npos);
    CHECK(text.find("sub") == std::string::npos);
  };
  const std::string with_novel = rates_text(evaluation);
  check_words(with_novel);
  CHECK(has_row(with_novel, "any-class accuracy, seen", "60.00 %"));
  CHECK(has_row(with_novel, "class     accuracy, seen", "100.00 %"));
  CHECK(has_row(with_novel, "called novel  ", "held-out classes called novel (good)"));

  // Every image is of any class: nothing to tell.
  evaluation.rates.super->validation = test::counts_of(6, 0, 0, 0, 0);
  const std::string without = rates_text(evaluation);
  check_words(without);
  CHECK(without.find("any-class") == std::string::npos);
  CHECK(without.find("accuracy, all") == std::string::npos);

  LevelReport report;
  report.level = Level::sub;
  report.novelty = {{"near", 4, 2, {}}};
  check_words(level_text(report, true));
  CHECK(level_text(report, true).starts_with("\nclass level, 0 seen images"));
  CHECK(level_text(report).starts_with("\nsub level, 0 seen images"));
}

TEST_CASE("evaluation_text: the columns of classes stand below their titles, whatever the names") {
  ClassReport report;
  report.level = Level::sub;
  for (const char* name : {"wren", "Türkentaube und noch ein langer Name, streptopelia",
                           "äöüäöüäöüäöüäöüäöüäöüäöüäöüäöüä", "Wanderfalke (Falco peregrinus)"}) {
    report.rows.push_back({name, false, 1, 0, {}});
    report.rows.back().rates.images = 2;
    report.rows.back().rates.most_taken_for = -1;
  }
  const std::string text = worst_classes_text(report, 3);
  CHECK(text.find("subclasses, the 3 worst of 4:") != std::string::npos);
  CHECK(text.find("Türkentaube und noch ein lang…") != std::string::npos);  // not within a character
  const auto end_of = [&](const std::string& part) {                        // in characters of its line
    const std::size_t at = text.find(part), begin = text.rfind('\n', at) + 1;
    REQUIRE(at != std::string::npos);
    const std::string line = text.substr(begin, at + part.size() - begin);
    return std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; });
  };
  const auto wanted = end_of("recall");
  CHECK(end_of("50.0 %") == wanted);
  std::size_t rows = 0;
  for (std::size_t at = text.find("50.0 %"); at != std::string::npos;
       at = text.find("50.0 %", at + 1), ++rows) {
    const std::size_t begin = text.rfind('\n', at) + 1;
    const std::string line = text.substr(begin, at + 6 - begin);
    CHECK(std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xc0) != 0x80; }) == wanted);
  }
  CHECK(rows == 3);
}

TEST_CASE("evaluation_text: a level without a model and a run without held-out classes have no rows") {
  Evaluation evaluation = test::example_evaluation();
  evaluation.rates.super.reset();
  evaluation.rates.sub->pseudo.reset();
  CHECK(rates_text(evaluation).find("super ") == std::string::npos);
  CHECK(rates_text(evaluation).find("pseudo") == std::string::npos);
  CHECK_FALSE(to_json(evaluation).contains("pseudo_novel"));
  CHECK_FALSE(to_json(evaluation).at("validation").contains("super"));
}
