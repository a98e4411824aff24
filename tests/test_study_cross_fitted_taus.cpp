#include "apps/study/cross_fitted_taus.h"

#include <doctest/doctest.h>

using namespace tern;
using doctest::Approx;

TEST_CASE("study_cross_fitted_taus: nothing is measured at a tau that its own images chose") {
  const std::vector<Taus> folds{{0.1, 0.5}, {0.2, 0.6}, {0.6, 0.1}};
  const RowTaus taus = cross_fitted_taus(folds, 2);
  REQUIRE(taus.folds.size() == 3);
  CHECK(taus.folds[0].super == Approx(0.4));
  CHECK(taus.folds[2].sub == Approx(0.55));
  CHECK(taus.last.super == Approx(0.3));
  CHECK(taus.last.sub == Approx(0.4));
  REQUIRE(taus.without.size() == 2);
  CHECK(taus.without[1].sub == Approx(0.4));
}

TEST_CASE("study_cross_fitted_taus: superclasses left out choose the superclass level's") {
  const RowTaus taus = cross_fitted_taus({{0.1, 0.5}, {0.2, 0.7}}, {{0.8, 0.3}, {0.9, 0.2}});
  CHECK(taus.last.super == Approx(0.85));
  CHECK(taus.last.sub == Approx(0.6));
  for (const Taus& fold : taus.folds) CHECK(fold.super == Approx(0.85));
  CHECK(taus.folds[0].sub == Approx(0.7));
  CHECK(taus.without[0].super == Approx(0.9));
  CHECK(taus.without[0].sub == Approx(0.6));
}
