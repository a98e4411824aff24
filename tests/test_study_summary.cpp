#include "apps/study/summary.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace tern;
using doctest::Approx;

TEST_CASE("study_summary: mean and deviation of a sample") {
  CHECK_FALSE(mean_deviation({}).mean);
  CHECK(*mean_deviation({3}).mean == 3);
  CHECK_FALSE(mean_deviation({3}).deviation);
  CHECK(*mean_deviation({1, 2, 6}).mean == Approx(3));
  CHECK(*mean_deviation({1, 2, 6}).deviation == Approx(std::sqrt(7.0)));
}

TEST_CASE("study_summary: folds scatter, unless all of a seed agree") {
  const auto estimate = [](double value) { return Estimate{{value, {}, {}}, {}}; };
  const EstimateValue overall = [](const Estimate& one) { return one.super.overall; };
  RowSummary row;
  row.seeds.resize(2);
  row.seeds[0].estimate = estimate(10);
  row.seeds[0].by_fold = {estimate(10), estimate(10)};
  row.seeds[1].estimate = estimate(20);
  row.seeds[1].by_fold = {estimate(20), estimate(20)};
  CHECK(*mean_and_scatter(row, overall).mean == 15);
  CHECK(*mean_and_scatter(row, overall).deviation == Approx(std::sqrt(50.0)));  // of the seeds
  row.seeds[1].by_fold = {estimate(16), estimate(24)};
  CHECK(*mean_and_scatter(row, overall).mean == 15);
  CHECK(*mean_and_scatter(row, overall).deviation == Approx(std::sqrt((25 + 25 + 1 + 81) / 3.0)));
  row.seeds.resize(1);
  CHECK_FALSE(mean_and_scatter(row, overall).deviation);
}
