#include "engine/metrics/risk_coverage.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "tests/support/goldens.h"

using namespace tern;
using doctest::Contains;

namespace {

struct Rows {
  std::vector<double> scores;
  std::vector<std::uint8_t> failures;
};

Rows random_rows(std::uint32_t stream, int count, double failure_rate, bool tied) {
  RandomStream random(7, random_purpose::test, stream);
  Rows rows;
  for (int i = 0; i < count; ++i) {
    rows.failures.push_back(random.chance(static_cast<float>(failure_rate)));
    const double score = random.normal() + rows.failures.back();
    rows.scores.push_back(tied ? std::round(score * 2) : score);
  }
  return rows;
}

/// Both areas from the definition: at each score a count over all rows, O(n^2).
struct NaiveAreas {
  double aurc = 0, augrc = 0;

  explicit NaiveAreas(const Rows& rows) {
    std::vector<double> thresholds = rows.scores;
    std::sort(thresholds.begin(), thresholds.end());
    const auto n = static_cast<double>(rows.scores.size());
    double coverage = 0, selective = -1, generalized = 0;
    for (const double threshold : thresholds) {
      double answered = 0, failed = 0;
      for (std::size_t i = 0; i < rows.scores.size(); ++i) {
        if (rows.scores[i] > threshold) continue;
        answered += 1;
        failed += rows.failures[i];
      }
      if (selective < 0) selective = failed / answered;
      const double width = answered / n - coverage;  // 0 at the second of equals
      aurc += width * (selective + failed / answered) / 2;
      augrc += width * (generalized + failed / n) / 2;
      coverage = answered / n, selective = failed / answered, generalized = failed / n;
    }
  }
};

/// (1 - AUROC) a (1 - a) + (1 - a)^2 / 2, where AUROC says how failures score against the others, by pairs.
double augrc_of_pairs(const Rows& rows) {
  double right = 0, ordered = 0, pairs = 0;
  for (std::size_t i = 0; i < rows.scores.size(); ++i) {
    right += rows.failures[i] == 0;
    for (std::size_t j = 0; j < rows.scores.size(); ++j) {
      if (rows.failures[i] == 0 || rows.failures[j] != 0) continue;
      pairs += 1;
      ordered += rows.scores[i] > rows.scores[j] ? 1 : rows.scores[i] == rows.scores[j] ? 0.5 : 0;
    }
  }
  const double accuracy = right / static_cast<double>(rows.scores.size());
  return (1 - ordered / pairs) * accuracy * (1 - accuracy) + (1 - accuracy) * (1 - accuracy) / 2;
}

}  // namespace

TEST_CASE("risk_coverage: the sums of the definition, and the closed form of AUGRC, with and without ties") {
  std::uint32_t stream = 0;
  for (const bool tied : {false, true}) {
    for (const int count : {2, 7, 100, 301}) {
      CAPTURE(tied);
      CAPTURE(count);
      Rows rows = random_rows(++stream, count, 0.4, tied);
      rows.failures[0] = 0, rows.failures[1] = 1;  // some of each
      const NaiveAreas naive(rows);
      CHECK(aurc(rows.scores, rows.failures) == doctest::Approx(naive.aurc).epsilon(1e-12));
      CHECK(augrc(rows.scores, rows.failures) == doctest::Approx(naive.augrc).epsilon(1e-12));
      CHECK(augrc(rows.scores, rows.failures) == doctest::Approx(augrc_of_pairs(rows)).epsilon(1e-12));
    }
  }
}

TEST_CASE("risk_coverage: torch-uncertainty's areas, which leave out the first row's width") {
  for (const auto& named : test::read_goldens("risk_coverage.txt")) {
    const std::string& name = named.first;
    const test::GoldenCase& golden = named.second;
    CAPTURE(name);
    const std::vector<double>& scores = golden.array("scores").values;
    const std::vector<double>& flags = golden.array("failures").values;
    const std::vector<std::uint8_t> failures(flags.begin(), flags.end());
    const auto n = static_cast<double>(scores.size());
    const auto surest = std::min_element(scores.begin(), scores.end()) - scores.begin();
    const double first_risk = flags[static_cast<std::size_t>(surest)];
    const double wanted_aurc = golden.array("aurc")[0] * (1 - 1 / n) + first_risk / n;
    const double wanted_augrc = golden.array("augrc")[0] * (1 - 1 / n) + first_risk / n / n / 2;
    // Its coverages are in single precision.
    CHECK(aurc(scores, failures) == doctest::Approx(wanted_aurc).epsilon(1e-6));
    CHECK(augrc(scores, failures) == doctest::Approx(wanted_augrc).epsilon(1e-6));
  }
}

TEST_CASE("risk_coverage: the order of rows does not matter, ties or not") {
  const Rows rows = random_rows(50, 200, 0.3, true);
  std::vector<std::int64_t> order(rows.scores.size());
  std::iota(order.begin(), order.end(), std::int64_t{0});
  RandomStream random(8, random_purpose::test);
  for (int round = 0; round < 5; ++round) {
    random.shuffle(order);
    Rows shuffled;
    for (const std::int64_t i : order) {
      shuffled.scores.push_back(rows.scores[static_cast<std::size_t>(i)]);
      shuffled.failures.push_back(rows.failures[static_cast<std::size_t>(i)]);
    }
    CHECK(aurc(shuffled.scores, shuffled.failures) == aurc(rows.scores, rows.failures));
    CHECK(augrc(shuffled.scores, shuffled.failures) == augrc(rows.scores, rows.failures));
  }
}

TEST_CASE("risk_coverage: the best, the worst, and scores that say nothing") {
  const std::vector<double> rising{1, 2, 3, 4}, equal{5, 5, 5, 5}, infinite{-INFINITY, 0, 0, INFINITY};
  const std::vector<std::uint8_t> last{0, 0, 0, 1}, all(4, 1), no_failures(4, 0);
  CHECK(augrc(rising, last) == doctest::Approx(0.25 * 0.25 / 2));  // (1 - a)^2 / 2: none could do better
  CHECK(aurc(rising, last) == doctest::Approx(0.25 * 0.25 / 2));
  CHECK(aurc(equal, last) == doctest::Approx(0.25));  // the error rate
  CHECK(augrc(equal, last) == doctest::Approx(0.125));
  CHECK(aurc(rising, all) == doctest::Approx(1));
  CHECK(augrc(rising, all) == doctest::Approx(0.5));
  CHECK(aurc(rising, no_failures) == 0);
  CHECK(augrc(rising, no_failures) == 0);
  CHECK(aurc(infinite, last) == doctest::Approx(0.25 * 0.25 / 2));
  CHECK(aurc(std::vector<double>{3}, std::vector<std::uint8_t>{1}) == 1);
  CHECK(augrc(std::vector<double>{3}, std::vector<std::uint8_t>{1}) == 0.5);
}

TEST_CASE("risk_coverage: the curve's points") {
  const std::vector<double> scores{3, 1, 2, 2};
  const std::vector<RiskCoveragePoint> curve =
      risk_coverage_curve(scores, std::vector<std::uint8_t>{1, 0, 1, 0});
  REQUIRE(curve.size() == 4);
  CHECK(curve[0].threshold == -std::numeric_limits<double>::infinity());
  CHECK(curve[0].coverage == 0);
  CHECK(curve[2].threshold == 2);
  CHECK(curve[2].coverage == 0.75);
  CHECK(curve[2].selective_risk == doctest::Approx(1.0 / 3));
  CHECK(curve[2].generalized_risk == 0.25);
  CHECK(curve[3].coverage == 1);
  CHECK(curve[3].selective_risk == 0.5);
}

TEST_CASE("risk_coverage: what is no score") {
  const std::vector<double> some{1, 2}, bad{0, std::nan("")};
  const std::vector<std::uint8_t> flags{0, 1};
  CHECK_THROWS_WITH_AS(aurc({}, {}), "risk coverage: wanted at least one given score, got none", Error);
  CHECK_THROWS_WITH_AS(augrc(bad, flags), Contains("NaN at row 1"), Error);
  CHECK_THROWS_WITH_AS(aurc(some, {}), "risk coverage: wanted a flag for each of 2 scores, got 0", Error);
}
