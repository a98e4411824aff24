#include "models/cosine_neighbours.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "data/random_purpose.h"
#include "engine/core/random.h"

using namespace tern;
using doctest::Approx;
using doctest::Contains;

TEST_CASE("cosine_neighbours: the largest cosine first, whatever the lengths") {
  const std::vector<float> known{1, 0, 0, 5, -3, 0, 2, 2, 0, 0};
  const std::vector<float> queries{10, 1, 0, 0, -1e-30f, -1e-30f};
  const auto found = cosine_neighbours({queries, 2}, {known, 2}, 3);
  REQUIRE(found.size() == 3);
  REQUIRE(found[0].size() == 3);
  CHECK(found[0][0].row == 0);
  CHECK(found[0][0].cosine == Approx(10 / std::sqrt(101.0)));
  CHECK(found[0][1].row == 3);
  CHECK(found[0][1].cosine == Approx(11 / std::sqrt(202.0)));
  CHECK(found[0][2].row == 1);
  for (std::int64_t i = 0; i < 3; ++i) {  // a row of zeros: all are equal, the first come first
    CHECK(found[1][static_cast<std::size_t>(i)].row == i);
    CHECK(found[1][static_cast<std::size_t>(i)].cosine == 0);
  }
  CHECK(found[2][0].row == 2);  // tiny numbers have a direction, too
  CHECK(found[2][0].cosine == Approx(std::sqrt(0.5)));
  CHECK(found[2][1].row == 4);  // zeros are not opposite
}

TEST_CASE(
    "cosine_neighbours: as counted one by one in double precision, for more rows than are held at a time") {
  constexpr std::int64_t kColumns = 7;
  RandomStream random(3, random_purpose::test);
  std::vector<float> known, queries;
  for (int i = 0; i < 50 * kColumns; ++i) known.push_back(random.uniform() - 0.5f);
  for (int i = 0; i < 130 * kColumns; ++i) queries.push_back(random.uniform() - 0.5f);
  const Rows of_queries{queries, kColumns}, of_known{known, kColumns};
  const auto found = cosine_neighbours(of_queries, of_known, 1);
  REQUIRE(found.size() == 130);
  for (std::int64_t i = 0; i < 130; ++i) {
    double best = -2;
    std::int64_t best_row = -1;
    for (std::int64_t row = 0; row < 50; ++row) {
      double dot = 0, a = 0, b = 0;
      for (std::size_t c = 0; c < kColumns; ++c) {
        const double x = of_queries.row(i)[c], y = of_known.row(row)[c];
        dot += x * y, a += x * x, b += y * y;
      }
      const double cosine = dot / std::sqrt(a * b);
      if (cosine > best) best = cosine, best_row = row;
    }
    CHECK(found[static_cast<std::size_t>(i)][0].row == best_row);
    CHECK(found[static_cast<std::size_t>(i)][0].cosine == Approx(best).epsilon(1e-5));
  }
}

TEST_CASE("cosine_neighbours: fewer known rows than asked for, none, and what is no row") {
  const std::vector<float> known{1, 2}, queries{1, 2, 3, 4}, none, odd{1, 2, 3};
  const auto found = cosine_neighbours({queries, 2}, {known, 2}, 3);
  CHECK(found.at(0).size() == 1);
  CHECK(found.at(0)[0].cosine == Approx(1));
  CHECK(cosine_neighbours({queries, 2}, {none, 2}, 3).at(1).empty());
  CHECK(cosine_neighbours({none, 2}, {known, 2}, 3).empty());
  CHECK_THROWS_WITH(cosine_neighbours({queries, 4}, {known, 2}, 3), Contains("2 columns"));
  CHECK_THROWS_WITH(cosine_neighbours({odd, 2}, {known, 2}, 3), Contains("whole rows"));
  const std::vector<float> nan{1, std::numeric_limits<float>::quiet_NaN()};
  CHECK_THROWS_WITH(cosine_neighbours({nan, 2}, {known, 2}, 3), Contains("finite"));
}
