#include "engine/metrics/conformal.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("conformal: by hand, ties and infinities among them") {
  const ConformalPValues held_out(std::vector<double>{3, 1, 2, 2});
  CHECK(held_out.p_value(0) == 1);
  CHECK(held_out.p_value(1) == 1);
  CHECK(held_out.p_value(1.5) == 0.8);
  CHECK(held_out.p_value(2) == 0.8);  // both of 2 and that of 3 are at least 2
  CHECK(held_out.p_value(2.5) == 0.4);
  CHECK(held_out.p_value(3) == 0.4);
  CHECK(held_out.p_value(4) == 0.2);
  CHECK(held_out.p_value(INFINITY) == 0.2);
  CHECK(held_out.p_values(std::vector<double>{4, 2, 4}) == std::vector<double>{0.2, 0.8, 0.2});
  CHECK(held_out.p_values({}).empty());
  CHECK(ConformalPValues(std::vector<double>{INFINITY}).p_value(INFINITY) == 1);
  CHECK(ConformalPValues(std::vector<double>{0}).p_value(1) == 0.5);
}

TEST_CASE("conformal: a count over all rows says the same") {
  RandomStream random(3, random_purpose::test);
  std::vector<double> held_out(137), scores(200);
  for (double& score : held_out) score = std::round(random.normal() * 8);
  for (double& score : scores) score = std::round(random.normal() * 10);
  const ConformalPValues conformal(held_out);
  for (const double score : scores) {
    double at_least = 0;
    for (const double other : held_out) at_least += other >= score;
    CHECK(conformal.p_value(score) == doctest::Approx((1 + at_least) / 138).epsilon(1e-15));
  }
}

TEST_CASE("conformal: of rows left out in turn, each p comes once; with ties none comes too often") {
  for (const bool tied : {false, true}) {
    CAPTURE(tied);
    RandomStream random(4, random_purpose::test);
    std::vector<double> scores(100);
    for (double& score : scores) score = tied ? std::round(random.normal() * 2) : random.normal();
    std::vector<double> p;
    for (std::size_t i = 0; i < scores.size(); ++i) {
      std::vector<double> others = scores;
      others.erase(others.begin() + static_cast<std::ptrdiff_t>(i));
      p.push_back(ConformalPValues(others).p_value(scores[i]));
    }
    std::sort(p.begin(), p.end());
    for (std::size_t i = 0; i < p.size(); ++i) {
      const double uniform = static_cast<double>(i + 1) / 100;
      if (!tied) CHECK(p[i] == uniform);
      CHECK(p[i] >= uniform);  // at most i + 1 of 100 have a p as small
    }
  }
}

TEST_CASE("conformal: uniform over fresh rows, small for rows that score higher") {
  RandomStream random(5, random_purpose::test);
  std::vector<double> held_out(2000), known(2000), novel(2000);
  for (double& score : held_out) score = std::exp(random.normal());
  for (double& score : known) score = std::exp(random.normal());
  for (double& score : novel) score = std::exp(random.normal() + 2);
  const ConformalPValues conformal(held_out);
  std::vector<double> p = conformal.p_values(known);
  std::sort(p.begin(), p.end());
  double largest_gap = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    largest_gap = std::max(largest_gap, std::abs(p[i] - static_cast<double>(i + 1) / 2000));
  }
  CHECK(largest_gap < 1.63 * std::sqrt(2.0 / 2000));  // Kolmogorov and Smirnov's at 1 %
  const std::vector<double> of_novel = conformal.p_values(novel);
  CHECK(std::count_if(of_novel.begin(), of_novel.end(), [](double value) { return value <= 0.05; }) > 1000);
}

TEST_CASE("conformal: what is no score") {
  const std::vector<double> bad{1, std::nan("")};
  CHECK_THROWS_WITH_AS(ConformalPValues({}), "conformal: wanted at least one held-out score, got none",
                       Error);
  CHECK_THROWS_WITH_AS(ConformalPValues{bad}, Contains("NaN at row 1"), Error);
  const ConformalPValues conformal(std::vector<double>{1});
  CHECK_THROWS_WITH_AS(conformal.p_value(std::nan("")), Contains("a number as the score"), Error);
  CHECK_THROWS_AS(conformal.p_values(bad), Error);
}
