#include "models/novelty_vim.h"

#include <doctest/doctest.h>

#include <limits>

#include "tests/support/novelty_case.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("novelty_vim: NumPy's origin, alpha and scores") {
  for (const std::string& name : test::novelty_case_names()) {
    CAPTURE(name);
    const test::NoveltyCase data(name);
    const std::vector<float> origin = head_origin({data.weight, data.columns}, data.bias);
    const reference::Array& wanted = data.golden.array("origin");
    for (std::size_t i = 0; i < origin.size(); ++i) {
      CHECK(origin[i] == doctest::Approx(wanted.values[i]).epsilon(1e-5));
    }
    const Vim model(data.train_rows(), data.train_logit_rows(), data.known,
                    {data.number("dimension"), data.origin});
    CHECK(model.alpha() == doctest::Approx(data.golden.array("alpha")[0]).epsilon(1e-8));
    CHECK(test::largest_error(model.novelty(data.test_rows(), data.test_logit_rows()),
                              data.golden.array("vim")) < 1e-7);
  }
}

TEST_CASE("novelty_vim: half the dimensions, origin 0, unless told otherwise") {
  const test::NoveltyCase data("all_known");
  const Vim plain(data.train_rows(), data.train_logit_rows());
  const Vim told(data.train_rows(), data.train_logit_rows(), {}, {3, std::vector<float>(6, 0.0f)});
  CHECK(plain.alpha() == told.alpha());
}

TEST_CASE("novelty_vim: what cannot be fitted") {
  const test::NoveltyCase data("all_known");
  const Rows features = data.train_rows(), logits = data.train_logit_rows();
  CHECK_THROWS_WITH_AS(Vim(features, logits, {}, {6, {}}), Contains("vim: wanted a dimension in 1..5, got 6"),
                       Error);
  CHECK_THROWS_AS(Vim(features, logits, {}, {3, {1, 2}}), Error);
  CHECK_THROWS_AS(Vim(features, data.test_logit_rows()), Error);
  const std::vector<float> line{1, 2, 3, 2, 4, 6}, two{1, 2, 3, 4};  // rows along one direction
  CHECK_THROWS_WITH_AS(Vim({line, 3}, {two, 2}), Contains("more than 1 dimensions"), Error);
  const Vim model(features, logits);
  CHECK_THROWS_AS(model.novelty(features, data.test_logit_rows()), Error);
  CHECK_THROWS_AS(model.novelty({two, 2}, {two, 2}), Error);
  CHECK_THROWS_AS(head_origin({line, 3}, std::vector<float>{1}), Error);
  const std::vector<float> bad{std::numeric_limits<float>::quiet_NaN(), 1, 2};
  CHECK_THROWS_AS(head_origin({bad, 3}, std::vector<float>{1}), Error);
}
