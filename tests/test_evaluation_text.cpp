#include "apps/measure/evaluation_text.h"

#include <doctest/doctest.h>

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

TEST_CASE("evaluation_text: a level without a model and a run without held-out classes have no rows") {
  Evaluation evaluation = test::example_evaluation();
  evaluation.rates.super.reset();
  evaluation.rates.sub->pseudo.reset();
  CHECK(rates_text(evaluation).find("super ") == std::string::npos);
  CHECK(rates_text(evaluation).find("pseudo") == std::string::npos);
  CHECK_FALSE(to_json(evaluation).contains("pseudo_novel"));
  CHECK_FALSE(to_json(evaluation).at("validation").contains("super"));
}
