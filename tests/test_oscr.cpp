#include "engine/metrics/oscr.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "engine/metrics/roc.h"
#include "tests/support/goldens.h"

using namespace tern;
using doctest::Contains;

namespace {

std::vector<std::uint8_t> flags_of(const test::GoldenCase& golden) {
  const std::vector<double>& values = golden.array("seen_correct").values;
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("oscr: the sum over pairs of NumPy, with and without ties") {
  const auto goldens = test::read_goldens("metrics.txt");
  for (const char* name :
       {"random", "random_tied", "few_novel", "few_novel_tied", "few_seen", "few_seen_tied", "one_each",
        "all_equal", "separated", "upside_down", "saturated"}) {
    CAPTURE(name);
    const test::GoldenCase& golden = goldens.at(name);
    const double value = oscr(golden.array("seen").values, flags_of(golden), golden.array("novel").values);
    CHECK(value == doctest::Approx(golden.array("oscr")[0]).epsilon(1e-13));
  }
}

TEST_CASE("oscr: without a mistake it is AUROC; the order of rows does not matter") {
  const test::GoldenCase golden = test::read_goldens("metrics.txt").at("random_tied");
  std::vector<double> seen = golden.array("seen").values, novel = golden.array("novel").values;
  const std::vector<std::uint8_t> right(seen.size(), 1);
  CHECK(oscr(seen, right, novel) == doctest::Approx(auroc(novel, seen)).epsilon(1e-13));
  std::reverse(seen.begin(), seen.end());
  std::reverse(novel.begin(), novel.end());
  std::vector<std::uint8_t> flags = flags_of(golden);
  std::reverse(flags.begin(), flags.end());
  CHECK(oscr(seen, flags, novel) == doctest::Approx(golden.array("oscr")[0]).epsilon(1e-13));
}

TEST_CASE("oscr: the curve ends at the closed-set accuracy") {
  const std::vector<double> seen{0, 1, 2, 3}, novel{1, 5};
  const std::vector<OscrPoint> curve = oscr_curve(seen, std::vector<std::uint8_t>{1, 0, 1, 1}, novel);
  CHECK(curve.front().correct_classification_rate == 0);
  CHECK(curve.back().false_positive_rate == 1);
  CHECK(curve.back().correct_classification_rate == 0.75);
  REQUIRE(curve.size() == 6);
  CHECK(curve[2].threshold == 1);
  CHECK(curve[2].false_positive_rate == 0.5);
  CHECK(curve[2].correct_classification_rate == 0.25);
}

TEST_CASE("oscr: a million rows take no time that grows with their square") {
  RandomStream random(1, random_purpose::test);
  std::vector<double> seen(500'000), novel(500'000);
  for (double& score : seen) score = random.uniform();
  for (double& score : novel) score = random.uniform();
  const double value = oscr(seen, std::vector<std::uint8_t>(seen.size(), 1), novel);
  CHECK(value == doctest::Approx(0.5).epsilon(0.01));
}

TEST_CASE("oscr: what is no score, or no group") {
  const std::vector<double> some{1, 2}, none, bad{std::nan(""), 1};
  const std::vector<std::uint8_t> flags{1, 1};
  CHECK_THROWS_WITH_AS(oscr(some, flags, none), Contains("oscr: wanted at least one novel score"), Error);
  CHECK_THROWS_WITH_AS(oscr(none, {}, some), Contains("seen score"), Error);
  CHECK_THROWS_WITH_AS(oscr(bad, flags, some), Contains("NaN at row 0"), Error);
  CHECK_THROWS_WITH_AS(oscr(some, {}, some), Contains("a flag for each of 2 seen scores"), Error);
}
