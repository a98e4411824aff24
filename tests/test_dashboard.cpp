#include "apps/measure/dashboard.h"

#include <doctest/doctest.h>

#include <string>

using namespace tern;

namespace {

NoveltyCounts counts_of(int right, int wrong, int called_novel, int novel_found, int novel_missed) {
  NoveltyCounts counts;
  for (int i = 0; i < right; ++i) counts.add(0, 0, 3);
  for (int i = 0; i < wrong; ++i) counts.add(0, 1, 3);
  for (int i = 0; i < called_novel; ++i) counts.add(0, 3, 3);
  for (int i = 0; i < novel_found; ++i) counts.add(3, 3, 3);
  for (int i = 0; i < novel_missed; ++i) counts.add(3, 0, 3);
  return counts;
}

Dashboard example() {
  Dashboard dashboard;
  dashboard.settings = {{"tau_super", 0.99}, {"approach", "two_models"}};
  dashboard.super = {0.99, counts_of(6, 1, 3, 4, 1), counts_of(3, 0, 1, 0, 0), std::nullopt};
  dashboard.sub = {0.85, counts_of(5, 0, 0, 0, 0), counts_of(0, 0, 0, 3, 1), counts_of(0, 0, 0, 6, 2)};
  return dashboard;
}

bool has_row(const std::string& table, const std::string& metric, const std::string& value) {
  const std::size_t at = table.find(metric);
  return at != std::string::npos &&
         table.substr(at, table.find('\n', at) - at).find(value) != std::string::npos;
}

}  // namespace

TEST_CASE("dashboard: JSON names each rate with its unit, apart for levels and sets") {
  const Json json = example().to_json();
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

TEST_CASE("dashboard: the table says the same") {
  const std::string table = example().table();
  CHECK(has_row(table, "false-novel rate", "30.00 %"));
  CHECK(has_row(table, "misclassified rate", "10.00 %"));
  CHECK(has_row(table, "1 - seen accuracy", "40.00 %"));
  CHECK(has_row(table, "called novel  ", "75.00 %"));
  CHECK(has_row(table, "mapped to seen", "25.00 %"));
  CHECK(table.find("approach=two_models") != std::string::npos);
}

TEST_CASE("dashboard: a level without a model and a run without held-out classes have no rows") {
  Dashboard dashboard = example();
  dashboard.super.reset();
  dashboard.sub->pseudo.reset();
  CHECK(dashboard.table().find("super ") == std::string::npos);
  CHECK(dashboard.table().find("pseudo") == std::string::npos);
  CHECK_FALSE(dashboard.to_json().contains("pseudo_novel"));
  CHECK_FALSE(dashboard.to_json().at("validation").contains("super"));
}
