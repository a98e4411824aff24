#include "models/novelty_logits.h"

#include <doctest/doctest.h>

#include <limits>

#include "models/losses.h"
#include "tests/support/novelty_case.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("novelty_logits: NumPy's and SciPy's scores") {
  for (const std::string& name : test::novelty_case_names()) {
    CAPTURE(name);
    const test::NoveltyCase data(name);
    const auto error = [&](const std::vector<double>& values, const char* wanted) {
      return test::largest_error(values, data.golden.array(wanted));
    };
    const Rows logits = data.test_logit_rows();
    CHECK(error(max_softmax_novelty(logits, data.known), "max_softmax") < 1e-11);
    CHECK(error(max_softmax_novelty(logits, data.known, 2.5), "temperature_scaled") < 1e-11);
    CHECK(error(max_logit_novelty(logits, data.known), "max_logit") < 1e-8);
    CHECK(error(gen_novelty(logits, data.known), "gen") < 1e-10);
    CHECK(error(gen_novelty(logits, data.known, {0.4, 2}), "gen_2") < 1e-10);
    CHECK(error(energy_novelty(logits, data.known), "energy") < 1e-11);
    CHECK(error(energy_novelty(logits, data.known, 2), "energy_at_2") < 1e-11);
    const float threshold = react_threshold(data.train_rows());
    CHECK(threshold == doctest::Approx(data.golden.array("react_threshold")[0]).epsilon(1e-7));
    // Logits come from the head as float: six digits.
    CHECK(error(react_novelty(data.test_rows(), threshold, data.head(), data.known), "react") < 1e-6);
  }
}

TEST_CASE("novelty_logits: confident rows keep their order where 1 - p rounds to 0") {
  const std::vector<float> logits{100, 0, 120, 0, 140, 0};
  const std::vector<double> scores = max_softmax_novelty({logits, 2});
  CHECK(scores[0] > scores[1]);
  CHECK(scores[1] > scores[2]);
  CHECK(scores[2] > 0);
}

TEST_CASE("novelty_logits: a masked class changes nothing, probability on a novel column counts as novel") {
  const std::vector<float> two{2, 1}, masked{2, 1, kMaskedLogit}, novel{2, 1, 5};
  const std::vector<std::uint8_t> known{1, 1, 0};
  CHECK(max_softmax_novelty({masked, 3}, known)[0] == doctest::Approx(max_softmax_novelty({two, 2})[0]));
  CHECK(energy_novelty({masked, 3}, known)[0] == doctest::Approx(energy_novelty({two, 2})[0]));
  CHECK(max_softmax_novelty({novel, 3}, known)[0] > 0.9);
  CHECK(max_logit_novelty({novel, 3}, known)[0] == -2);
  const std::vector<float> equal{3, 3};
  CHECK(max_softmax_novelty({equal, 2})[0] == doctest::Approx(0.5));
}

TEST_CASE("novelty_logits: no rows, and what is no score") {
  const std::vector<float> none, two{1, 2}, bad{1, std::numeric_limits<float>::quiet_NaN()};
  CHECK(max_softmax_novelty({none, 2}).empty());
  CHECK(react_novelty({none, 2}, 1, {}).empty());
  CHECK_THROWS_WITH_AS(max_softmax_novelty({bad, 2}), "max_softmax: wanted finite logits, got nan at row 0",
                       Error);
  CHECK_THROWS_WITH_AS(energy_novelty({two, 3}), Contains("energy: wanted whole rows of 3 logits"), Error);
  CHECK_THROWS_AS(max_logit_novelty({two, 2}, std::vector<std::uint8_t>{0, 0}), Error);
  CHECK_THROWS_AS(max_logit_novelty({two, 2}, std::vector<std::uint8_t>{1}), Error);
  CHECK_THROWS_AS(energy_novelty({two, 2}, {}, 0), Error);
  CHECK_THROWS_AS(react_threshold({none, 2}), Error);
  CHECK_THROWS_AS(react_threshold({two, 2}, 101), Error);
  CHECK(react_threshold({two, 2}, 100) == 2);
}
