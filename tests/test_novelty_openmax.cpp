#include "models/novelty_openmax.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/support/novelty_case.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("novelty_openmax: SciPy's Weibull distributions") {
  const auto goldens = test::read_goldens("novelty_scores.txt");
  for (const char* name : {"weibull", "weibull_heavy", "weibull_narrow"}) {
    CAPTURE(name);
    const test::GoldenCase& golden = goldens.at(name);
    const Weibull fitted = fit_weibull(golden.array("values").values);
    CHECK(fitted.shape ==
          doctest::Approx(golden.array("shape")[0]).epsilon(1e-4));  // SciPy's simplex stops there
    CHECK(fitted.scale == doctest::Approx(golden.array("scale")[0]).epsilon(1e-4));
    for (std::int64_t i = 0; i < golden.array("points").size(); ++i) {
      CHECK(fitted.cumulative(golden.array("points")[i]) ==
            doctest::Approx(golden.array("cumulative")[i]).epsilon(1e-3));
    }
  }
}

TEST_CASE("novelty_openmax: no other Weibull distribution is likelier") {
  const std::vector<double> values =
      test::read_goldens("novelty_scores.txt").at("weibull").array("values").values;
  const auto log_likelihood = [&](double shape, double scale) {
    double sum = 0;
    for (const double x : values) {
      sum += std::log(shape / scale) + (shape - 1) * std::log(x / scale) - std::pow(x / scale, shape);
    }
    return sum;
  };
  const Weibull fitted = fit_weibull(values);
  const double best = log_likelihood(fitted.shape, fitted.scale);
  for (const double step : {-1e-3, 1e-3}) {
    CHECK(log_likelihood(fitted.shape * (1 + step), fitted.scale) < best);
    CHECK(log_likelihood(fitted.shape, fitted.scale * (1 + step)) < best);
  }
}

TEST_CASE("novelty_openmax: equal values and values below 0") {
  const Weibull step = fit_weibull(std::vector<double>{3, 3, 3});
  CHECK(step.shape == doctest::Approx(kSteepestShape));
  CHECK(step.scale == doctest::Approx(3));
  CHECK(step.cumulative(2.9) == doctest::Approx(0));
  CHECK(step.cumulative(3.1) == 1);
  CHECK(step.cumulative(-1) == 0);
  CHECK_THROWS_AS(fit_weibull({}), Error);
  CHECK_THROWS_AS(fit_weibull(std::vector<double>{1, 0}), Error);
}

TEST_CASE("novelty_openmax: the paper's algorithm in NumPy") {
  for (const std::string& name : test::novelty_case_names()) {
    CAPTURE(name);
    const test::NoveltyCase data(name);
    const OpenMax model(data.train_logit_rows(), data.labels, data.known,
                        {data.number("tail"), data.number("top")});
    CHECK(test::largest_error(model.novelty(data.test_logit_rows()), data.golden.array("openmax")) < 1e-4);
  }
}

TEST_CASE("novelty_openmax: a logit vector far from its class's mean is novel, however large its logit") {
  std::vector<float> train;
  std::vector<std::int32_t> labels;
  for (int i = 0; i < 30; ++i) {
    const float wobble = 0.01f * static_cast<float>(i);
    train.insert(train.end(), {5 + wobble, 0, 0, 5 + wobble});
    labels.insert(labels.end(), {0, 1});
  }
  const OpenMax model({train, 2}, labels);
  const std::vector<float> usual{5.1f, 0}, far{50, 0};
  CHECK(model.novelty({usual, 2})[0] < -2);
  CHECK(model.novelty({far, 2})[0] > 2);
}

TEST_CASE("novelty_openmax: what cannot be fitted") {
  const std::vector<float> wrong{0, 1, 1, 0}, none;
  const std::vector<std::int32_t> labels{0, 1};
  CHECK_THROWS_WITH_AS(OpenMax({wrong, 2}, labels),
                       "openmax: wanted a training row of class 0 answered rightly, got none of 1", Error);
  CHECK_THROWS_AS(OpenMax({none, 2}, {}), Error);
  CHECK_THROWS_AS(OpenMax({wrong, 2}, std::vector<std::int32_t>{0}), Error);
  CHECK_THROWS_AS(OpenMax({wrong, 2}, std::vector<std::int32_t>{0, 2}), Error);
  CHECK_THROWS_AS(OpenMax({wrong, 2}, labels, std::vector<std::uint8_t>{1, 0}), Error);
  CHECK_THROWS_AS(OpenMax({wrong, 2}, std::vector<std::int32_t>{1, 0}, {}, {1, 10}), Error);
  CHECK_THROWS_AS(OpenMax({wrong, 2}, std::vector<std::int32_t>{1, 0}, {}, {20, 0}), Error);
  const std::vector<float> bad{std::numeric_limits<float>::quiet_NaN(), 1};
  CHECK_THROWS_AS(OpenMax({wrong, 2}, std::vector<std::int32_t>{1, 0}).novelty({bad, 2}), Error);
}
