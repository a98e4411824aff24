#include "engine/metrics/calibration.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/core/check.h"
#include "tests/support/goldens.h"

using namespace tern;
using doctest::Contains;

namespace {

std::vector<float> floats(const reference::Array& values) {
  return {values.values.begin(), values.values.end()};
}

}  // namespace

TEST_CASE("calibration: bins, ECE and NLL of NumPy and scikit-learn, temperature of SciPy's minimiser") {
  const auto goldens = test::read_goldens("metrics.txt");
  for (const char* name : {"overconfident", "underconfident", "two_classes", "many_classes"}) {
    CAPTURE(name);
    const test::GoldenCase& golden = goldens.at(name);
    const std::vector<std::int32_t> correct = golden.integers("correct"), labels = golden.integers("labels");
    const std::vector<std::uint8_t> flags(correct.begin(), correct.end());
    const std::vector<ReliabilityBin> bins =
        reliability_bins(floats(golden.array("confidences")), flags, golden.integers("bins")[0]);
    for (std::size_t i = 0; i < bins.size(); ++i) {
      CAPTURE(i);
      CHECK(bins[i].count == golden.integers("count")[i]);
      CHECK(bins[i].accuracy == doctest::Approx(golden.array("accuracy").values[i]).epsilon(1e-12));
      CHECK(bins[i].mean_confidence == doctest::Approx(golden.array("confidence").values[i]).epsilon(1e-12));
    }
    CHECK(expected_calibration_error(bins) == doctest::Approx(golden.array("ece")[0]).epsilon(1e-12));

    const std::vector<float> logits = floats(golden.array("logits"));
    const auto classes = static_cast<std::int32_t>(golden.array("logits").last());
    CHECK(negative_log_likelihood(logits, classes, labels) ==
          doctest::Approx(golden.array("nll")[0]).epsilon(1e-12));
    CHECK(negative_log_likelihood(logits, classes, labels, 2) ==
          doctest::Approx(golden.array("nll_at_2")[0]).epsilon(1e-12));
    const double temperature = fit_temperature(logits, classes, labels);
    CHECK(temperature ==
          doctest::Approx(golden.array("temperature")[0]).epsilon(1e-6));  // SciPy's own accuracy
    CHECK(negative_log_likelihood(logits, classes, labels, temperature) <=
          golden.array("nll_fitted")[0] + 1e-13);
  }
}

TEST_CASE("calibration: a confidence on an edge belongs to the bin below, 0 to the first") {
  const std::vector<float> confidences{0, 0.25f, 0.5f, 0.75f, 1};
  const auto bins = reliability_bins(confidences, std::vector<std::uint8_t>(5, 1), 4);
  CHECK(bins[0].count == 2);
  CHECK(bins[1].count == 1);
  CHECK(bins[2].count == 1);
  CHECK(bins[3].count == 1);
}

TEST_CASE("calibration: classes without a column, and the temperature's ends") {
  constexpr float gone = -std::numeric_limits<float>::infinity();
  const std::vector<std::int32_t> labels{0, 1, 1};
  const std::vector<float> three{2, 1, gone, 0, 1, gone, 3, 1, -1e9f}, two{2, 1, 0, 1, 3, 1};
  CHECK(negative_log_likelihood(three, 3, labels) ==
        doctest::Approx(negative_log_likelihood(two, 2, labels)).epsilon(1e-14));
  CHECK(fit_temperature(three, 3, labels) == doctest::Approx(fit_temperature(two, 2, labels)).epsilon(1e-9));
  CHECK(std::isinf(negative_log_likelihood(three, 3, std::vector<std::int32_t>{2, 1, 1})));
  CHECK(fit_temperature(std::vector<float>{2, 1, 0, 1}, 2, std::vector<std::int32_t>{0, 1}) ==
        kLowestTemperature);
  CHECK(fit_temperature(std::vector<float>{2, 1, 0, 1}, 2, std::vector<std::int32_t>{1, 0}) ==
        kHighestTemperature);
}

TEST_CASE("calibration: what cannot be counted") {
  const std::vector<float> logits{1, 2, 3, 4}, bad{1, std::nanf(""), 3, 4}, none;
  const std::vector<std::int32_t> labels{0, 1};
  const std::vector<std::uint8_t> flags{1, 0};
  CHECK_THROWS_WITH_AS(fit_temperature(none, 2, {}), Contains("at least one row"), Error);
  CHECK_THROWS_WITH_AS(fit_temperature(bad, 2, labels), Contains("NaN at row 0"), Error);
  CHECK_THROWS_WITH_AS(fit_temperature(logits, 3, labels), Contains("2 rows of 3 logits"), Error);
  CHECK_THROWS_WITH_AS(negative_log_likelihood(logits, 2, std::vector<std::int32_t>{0, 2}),
                       Contains("2 at row 1"), Error);
  CHECK_THROWS_AS(negative_log_likelihood(logits, 2, labels, 0), Error);
  CHECK_THROWS_AS(reliability_bins(none, {}), Error);
  CHECK_THROWS_AS(reliability_bins(std::vector<float>{0.5f}, flags), Error);
  CHECK_THROWS_AS(reliability_bins(std::vector<float>{0.5f, 0.5f}, flags, 0), Error);
  CHECK_THROWS_WITH_AS(reliability_bins(std::vector<float>{0.5f, std::nanf("")}, flags), Contains("at row 1"),
                       Error);
}
