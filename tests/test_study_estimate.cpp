// Estimates against sums by hand.
#include "apps/study/estimate.h"

#include <doctest/doctest.h>

using namespace tern;
using doctest::Approx;

namespace {

Measured measured(double super_seen, double super_near, double super_far, double sub_seen, double sub_near,
                  double sub_far, std::int64_t near_images = 10, std::int64_t far_images = 10) {
  Measured m;
  m.super = {0.9, super_seen, super_near, super_far, {}};
  m.sub = {0.8, sub_seen, sub_near, sub_far, {}};
  m.near_images = near_images;
  m.far_images = far_images;
  return m;
}

const TestMix kMix{20, 50, 30};

}  // namespace

TEST_CASE("study_estimate: seen, unseen and overall in the shares of the mix, folds pooled by images") {
  const Measured last = measured(90, 0, 0, 70, 0, 0);
  const Measured first = measured(1, 80, 60, 1, 40, 50, 10, 30);
  const Measured second = measured(2, 60, 20, 2, 70, 90, 30, 10);
  const Estimate e = estimate(last, {first, second}, {first, second}, kMix);
  const double super_near = (80 * 10 + 60 * 30) / 40.0, super_far = (60 * 30 + 20 * 10) / 40.0;
  const double sub_near = (40 * 10 + 70 * 30) / 40.0, sub_far = (50 * 30 + 90 * 10) / 40.0;
  CHECK(*e.super.seen == Approx((20 * 90 + 50 * super_near) / 70));
  CHECK(*e.super.unseen == Approx(super_far));
  CHECK(*e.super.overall == Approx(0.2 * 90 + 0.5 * super_near + 0.3 * super_far));
  CHECK(*e.sub.seen == Approx(70));
  CHECK(*e.sub.unseen == Approx((50 * sub_near + 30 * sub_far) / 80));
  CHECK(*e.sub.overall == Approx(0.2 * 70 + 0.5 * sub_near + 0.3 * sub_far));
}

TEST_CASE("study_estimate: held-out subclasses of the last run are known, and never answered rightly") {
  Measured last = measured(90, 50, 0, 70, 99, 0);
  last.trained_share = 0.75;
  const Estimate e = estimate(last, {measured(0, 80, 60, 0, 40, 50)}, {measured(0, 80, 60, 0, 40, 50)}, kMix);
  CHECK(*e.sub.seen == Approx(0.75 * 70));
  CHECK(*e.super.seen == Approx((20 * (0.75 * 90 + 0.25 * 50) + 50 * 80) / 70));
}

TEST_CASE("study_estimate: superclasses left out may stand for novel ones instead of the folds' groups") {
  const Measured last = measured(90, 0, 0, 70, 0, 0), fold = measured(0, 80, 100, 0, 40, 100);
  const Estimate e = estimate(last, {fold}, {measured(0, 0, 30, 0, 0, 60)}, kMix);
  CHECK(*e.super.unseen == Approx(30));
  CHECK(*e.super.seen == Approx((20 * 90 + 50 * 80) / 70.0));
  CHECK(*e.sub.unseen == Approx((50 * 40 + 30 * 60) / 80.0));
}

TEST_CASE("study_estimate: what was not measured is left out, unless its share is nothing") {
  const Measured last = measured(90, 0, 0, 70, 0, 0);
  const Estimate none = estimate(last, {}, {}, kMix);
  CHECK_FALSE(none.super.overall);
  CHECK_FALSE(none.super.unseen);
  CHECK_FALSE(none.sub.unseen);
  CHECK(*none.sub.seen == 70);
  Measured no_far = measured(0, 80, 0, 0, 40, 0);
  no_far.super.far = no_far.sub.far = std::nullopt;
  CHECK_FALSE(estimate(last, {no_far}, {no_far}, kMix).sub.overall);
  const Estimate only_near = estimate(last, {no_far}, {no_far}, {40, 60, 0});
  CHECK(*only_near.sub.overall == Approx(0.4 * 70 + 0.6 * 40));
}
