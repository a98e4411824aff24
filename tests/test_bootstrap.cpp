#include "engine/metrics/bootstrap.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <string>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/parallel.h"
#include "engine/core/random.h"
#include "engine/metrics/roc.h"
#include "tests/support/goldens.h"

using namespace tern;
using doctest::Contains;

namespace {

using Values = std::vector<double>;

Values pick(const Values& values, const std::vector<std::int64_t>& rows) {
  Values picked;
  for (const std::int64_t row : rows) picked.push_back(values.at(static_cast<std::size_t>(row)));
  return picked;
}

double mean(const Values& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double median(Values values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);  // of an odd number
}

Values random_values(std::uint32_t stream, int count, double shift, bool tied = false) {
  RandomStream random(9, random_purpose::test, stream);
  Values values;
  for (int i = 0; i < count; ++i) {
    const double value = random.normal() + shift;
    values.push_back(tied ? std::round(value) : value);
  }
  return values;
}

std::vector<std::int64_t> sizes_of(const Values& a, const Values& b) {
  return {static_cast<std::int64_t>(a.size()), static_cast<std::int64_t>(b.size())};
}

void check_same(const Interval& a, const Interval& b) {
  CHECK(a.estimate == b.estimate);
  CHECK(a.low == b.low);
  CHECK(a.high == b.high);
}

}  // namespace

TEST_CASE("bootstrap: SciPy's percentile intervals, but for the luck of the draw") {
  for (const auto& named : test::read_goldens("bootstrap.txt")) {
    const std::string& name = named.first;
    const test::GoldenCase& golden = named.second;
    CAPTURE(name);
    const Values seen = golden.array("seen").values;
    const BootstrapOptions options{golden.array("confidence")[0], 50'000, 5};
    Interval interval;
    if (name == "median") {
      interval = bootstrap_interval(
          std::vector<std::int64_t>{static_cast<std::int64_t>(seen.size())},
          [&](ResampledRows rows) { return median(pick(seen, rows[0])); }, options);
    } else if (name == "mean_difference") {
      const Values novel = golden.array("novel").values;
      interval = bootstrap_interval(
          sizes_of(seen, novel),
          [&](ResampledRows rows) { return mean(pick(novel, rows[1])) - mean(pick(seen, rows[0])); },
          options);
    } else {
      interval = bootstrap_auroc(golden.array("novel").values, seen, options);
    }
    // A normal's 2.5th percentile of 50,000 draws is off by .012 of its deviation, of 200,000 by .006; the
    // median moves in steps, from one row's value to the next.
    const double tolerance = (name == "median" ? 0.3 : 0.05) * golden.array("standard_error")[0];
    CHECK(std::abs(interval.low - golden.array("low")[0]) < tolerance);
    CHECK(std::abs(interval.high - golden.array("high")[0]) < tolerance);
    CHECK(interval.low < interval.estimate);
    CHECK(interval.estimate < interval.high);
  }
}

TEST_CASE("bootstrap: AUROC by counts is AUROC of the rows, bit for bit") {
  for (const bool tied : {false, true}) {
    CAPTURE(tied);
    const Values novel = random_values(1, 33, 1, tied), seen = random_values(2, 47, 0, tied);
    const BootstrapOptions options{0.9, 200, 77};
    const Interval slow = bootstrap_interval(
        sizes_of(novel, seen),
        [&](ResampledRows rows) { return auroc(pick(novel, rows[0]), pick(seen, rows[1])); }, options);
    check_same(bootstrap_auroc(novel, seen, options), slow);
    CHECK(slow.estimate == auroc(novel, seen));
  }
}

TEST_CASE(
    "bootstrap: each group is drawn with replacement, to its size, apart from the other and each time anew") {
  const std::vector<std::int64_t> sizes{1000, 0, 3};
  std::vector<std::int64_t> sums;
  const int threads = thread_count();
  set_thread_count(1);
  bootstrap_interval(sizes,
                     [&](ResampledRows rows) {
                       REQUIRE(rows.size() == 3);
                       CHECK(rows[1].empty());
                       std::vector<std::int64_t> drawn = rows[0];
                       for (std::size_t g = 0; g < 3; ++g) {
                         REQUIRE(static_cast<std::int64_t>(rows[g].size()) == sizes[g]);
                         for (const std::int64_t row : rows[g]) {
                           CHECK(row >= 0);
                           CHECK(row < sizes[g]);
                         }
                       }
                       std::sort(drawn.begin(), drawn.end());
                       const auto distinct = std::unique(drawn.begin(), drawn.end()) - drawn.begin();
                       if (!sums.empty())
                         CHECK(std::abs(static_cast<double>(distinct) - 632) < 60);  // 1 - 1 / e of them
                       sums.push_back(std::accumulate(rows[0].begin(), rows[0].end(), std::int64_t{0}));
                       return 0.0;
                     },
                     {0.95, 20, 1});
  set_thread_count(threads);
  std::sort(sums.begin(), sums.end());
  CHECK(std::unique(sums.begin(), sums.end()) == sums.end());
}

TEST_CASE("bootstrap: the same for any number of threads, another for another seed") {
  const Values novel = random_values(3, 30, 0.5), seen = random_values(4, 30, 0);
  const auto slow = [&] {
    return bootstrap_interval(sizes_of(novel, seen), [&](ResampledRows rows) {
      return mean(pick(novel, rows[0])) / (3 + mean(pick(seen, rows[1])));
    });
  };
  const int before = thread_count();
  set_thread_count(1);
  const Interval one = bootstrap_auroc(novel, seen), one_slow = slow();
  for (const int threads : {2, 3, 8}) {
    set_thread_count(threads);
    check_same(bootstrap_auroc(novel, seen), one);
    check_same(slow(), one_slow);
  }
  set_thread_count(before);
  CHECK(bootstrap_auroc(novel, seen, {0.95, 1000, 43}).low != one.low);
}

TEST_CASE("bootstrap: one image, equal scores, one resample") {
  const Values one{0.25}, other{0.5}, equal(20, 3.0);
  check_same(bootstrap_auroc(one, other), {0, 0, 0});
  check_same(bootstrap_auroc(one, one), {0.5, 0.5, 0.5});
  check_same(bootstrap_auroc(equal, equal), {0.5, 0.5, 0.5});
  const Values infinite{-INFINITY, INFINITY};
  CHECK(bootstrap_auroc(infinite, other).estimate == 0.5);
  const Interval single = bootstrap_auroc(random_values(5, 9, 0), random_values(6, 9, 0), {0.95, 1, 1});
  CHECK(single.low == single.high);
}

TEST_CASE("bootstrap: a thousand resamples of 600 and 2,000 images take no second") {
  const Values seen = random_values(7, 600, 0), novel = random_values(8, 2000, 1);
  const auto begin = std::chrono::steady_clock::now();
  const Interval interval = bootstrap_auroc(novel, seen);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  MESSAGE("took ", seconds.count(), " s");
  CHECK(seconds.count() < 2);  // the machine has other work
  CHECK(interval.high - interval.low < 0.05);
  CHECK(interval.high - interval.low > 0.01);
}

TEST_CASE("bootstrap: what cannot be resampled") {
  const Values some{1, 2}, none;
  const std::vector<std::int64_t> two{2}, empty{0, 0}, negative{-1};
  const auto zero = [](ResampledRows) { return 0.0; };
  CHECK_THROWS_WITH_AS(bootstrap_interval(empty, zero), "bootstrap: wanted at least one row, got none",
                       Error);
  CHECK_THROWS_AS(bootstrap_interval(negative, zero), Error);
  CHECK_THROWS_WITH_AS(bootstrap_interval(two, zero, {1, 10, 1}), Contains("a confidence over 0"), Error);
  CHECK_THROWS_AS(bootstrap_interval(two, zero, {std::nan(""), 10, 1}), Error);
  CHECK_THROWS_AS(bootstrap_interval(two, zero, {0.95, 0, 1}), Error);
  CHECK_THROWS_AS(bootstrap_interval(two, zero, {0.95, 1'000'000'000'000, 1}), Error);
  CHECK_THROWS_WITH_AS(bootstrap_interval(two, [](ResampledRows) { return std::nan(""); }),
                       "bootstrap: wanted a number of the rows as they are, got NaN", Error);
  const auto differ = [](ResampledRows rows) { return rows[0][0] == rows[0][1] ? std::nan("") : 1.0; };
  CHECK_THROWS_WITH_AS(bootstrap_interval(two, differ), Contains("NaN of resample"), Error);
  CHECK_THROWS_WITH_AS(bootstrap_interval(two, [](ResampledRows) -> double { throw Error("mine", "broke"); }),
                       "mine: broke", Error);
  CHECK_THROWS_AS(bootstrap_auroc(none, some), Error);
  CHECK_THROWS_AS(bootstrap_auroc(some, Values{std::nan("")}), Error);
}
