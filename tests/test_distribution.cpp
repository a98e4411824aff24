#include "engine/metrics/distribution.h"

#include <doctest/doctest.h>

#include <cmath>

#include "engine/core/check.h"
#include "tests/support/goldens.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("distribution: NumPy's mean, deviation and percentiles") {
  const auto goldens = test::read_goldens("metrics.txt");
  for (const char* name : {"distribution", "distribution_tied", "distribution_one"}) {
    CAPTURE(name);
    const test::GoldenCase& golden = goldens.at(name);
    const std::vector<double>& exact = golden.array("values").values;
    const std::vector<float> values(exact.begin(), exact.end());
    const Distribution d = describe(values);
    CHECK(d.count == golden.array("values").size());
    CHECK(d.mean == doctest::Approx(golden.array("mean")[0]).epsilon(1e-8));
    CHECK(d.deviation == doctest::Approx(golden.array("deviation")[0]).epsilon(1e-7));
    for (std::size_t i = 0; i < d.percentiles.size(); ++i) {
      CHECK(d.percentiles[i] == doctest::Approx(golden.array("percentiles").values[i]).epsilon(1e-8));
      CHECK(percentile(values, Distribution::kPercents[i]) == d.percentiles[i]);
      CHECK(percentile(exact, Distribution::kPercents[i]) ==
            doctest::Approx(golden.array("percentiles").values[i]).epsilon(1e-8));
    }
    CHECK(d.percentile(50) == d.percentiles[4]);
  }
}

TEST_CASE("distribution: histograms count every value once") {
  const std::vector<float> values{0, 0.05f, 0.1f, 0.99f, 1, -3, 7};
  CHECK(histogram(values, 10, 0, 1) == std::vector<std::int64_t>{3, 1, 0, 0, 0, 0, 0, 0, 0, 3});
  const std::vector<float> few{0.5f};
  const std::string text = histogram_text({{"seen", values}, {"near", few}}, 10, 20);
  CHECK(text.find("0.90-1.00 seen |#########           |      3   42.9 %") != std::string::npos);
  CHECK(text.find("          near |####################|      1  100.0 %") != std::string::npos);
  CHECK(text.find("0.20-0.30") == std::string::npos);  // empty in both
}

TEST_CASE("distribution: what has none") {
  CHECK_THROWS_WITH_AS(describe({}), "distribution: wanted at least one value, got none", Error);
  CHECK_THROWS_WITH_AS(describe(std::vector<float>{1, NAN}), Contains("NaN at row 1"), Error);
  CHECK_THROWS_AS(percentile(std::vector<float>{1}, 101), Error);
  CHECK_THROWS_AS(histogram({}, 0, 0, 1), Error);
  CHECK_THROWS_AS(histogram(std::vector<float>{NAN}, 2, 0, 1), Error);
  CHECK_THROWS_AS(describe(std::vector<float>{1}).percentile(33), Error);
}
