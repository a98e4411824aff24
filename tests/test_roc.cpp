#include "engine/metrics/roc.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/core/check.h"
#include "tests/support/goldens.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("roc: scikit-learn's numbers, ties and extremes among them") {
  const auto goldens = test::read_goldens("metrics.txt");
  for (const char* name :
       {"random", "random_tied", "few_novel", "few_novel_tied", "few_seen", "few_seen_tied", "one_each",
        "all_equal", "separated", "upside_down", "saturated"}) {
    CAPTURE(name);
    const test::GoldenCase& golden = goldens.at(name);
    const std::vector<double>& seen = golden.array("seen").values;
    const std::vector<double>& novel = golden.array("novel").values;
    const auto wanted = [&](const char* metric) {
      return doctest::Approx(golden.array(metric)[0]).epsilon(1e-13);
    };
    const NoveltyMetrics metrics = novelty_metrics(seen, novel);
    CHECK(metrics.auroc == wanted("auroc"));
    CHECK(metrics.aupr_novel_positive == wanted("aupr_novel_positive"));
    CHECK(metrics.aupr_seen_positive == wanted("aupr_seen_positive"));
    CHECK(metrics.fpr_at_95_tpr_novel_positive == wanted("fpr_at_95_tpr_novel_positive"));
    CHECK(metrics.fpr_at_95_tpr_seen_positive == wanted("fpr_at_95_tpr_seen_positive"));
    const std::vector<RocPoint> curve = roc_curve(novel, seen);
    REQUIRE(static_cast<std::int64_t>(curve.size()) == golden.array("curve_fpr").size() + 1);
    for (std::size_t i = 1; i < curve.size(); ++i) {
      CHECK(curve[i].false_positive_rate == golden.array("curve_fpr").values[i - 1]);
      CHECK(curve[i].true_positive_rate == golden.array("curve_tpr").values[i - 1]);
      CHECK(curve[i].threshold == golden.array("curve_threshold").values[i - 1]);
    }
  }
}

TEST_CASE("roc: the curve's ends, and infinite scores") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const std::vector<double> positive{inf, 1, 1}, negative{-inf, 1, 0};
  const std::vector<RocPoint> curve = roc_curve(positive, negative);
  CHECK(curve.front().true_positive_rate == 0);
  CHECK(curve.front().false_positive_rate == 0);
  CHECK(curve.back().true_positive_rate == 1);
  CHECK(curve.back().false_positive_rate == 1);
  CHECK(auroc(positive, negative) == doctest::Approx(8.0 / 9));  // of 9 pairs 7 in order, 2 tied
  CHECK(fpr_at_tpr(positive, negative, 1.0 / 3) == 0);
}

TEST_CASE("roc: what is no score, or no group") {
  const std::vector<double> some{1, 2}, none, bad{0, std::nan("")};
  CHECK_THROWS_WITH_AS(novelty_metrics(none, some),
                       "novelty metrics: wanted at least one seen score, got none", Error);
  CHECK_THROWS_WITH_AS(novelty_metrics(some, none),
                       "novelty metrics: wanted at least one novel score, got none", Error);
  CHECK_THROWS_WITH_AS(novelty_metrics(some, bad),
                       "novelty metrics: wanted numbers for the novel scores, got NaN at row 1", Error);
  CHECK_THROWS_WITH_AS(auroc(none, some), Contains("roc: wanted at least one positive score"), Error);
  CHECK_THROWS_AS(average_precision(some, none), Error);
  CHECK_THROWS_AS(roc_curve(bad, some), Error);
  CHECK_THROWS_AS(fpr_at_tpr(some, some, 0), Error);
  CHECK_THROWS_AS(fpr_at_tpr(some, some, std::nan("")), Error);
}
