#include "models/novelty_scores.h"

#include <doctest/doctest.h>

#include "tests/support/novelty_case.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("novelty_scores: ten scores, each its own function's") {
  const test::NoveltyCase data("novel_column");
  NoveltyOptions options;
  options.temperature = 2.5;
  options.neighbours = data.number("k");
  options.shrinkage = 0.2;
  options.vim = {data.number("dimension"), data.origin};
  options.openmax = {data.number("tail"), data.number("top")};
  const NoveltyScorer scorer(
      {data.train_rows(), data.train_logit_rows(), data.labels, data.known, data.head()}, options);
  const std::vector<NoveltyScore> scores = scorer.score(data.test_rows(), data.test_logit_rows());
  std::vector<std::string> names;
  for (const NoveltyScore& score : scores) {
    CAPTURE(score.name);
    names.push_back(score.name);
    CHECK(score.unavailable.empty());
    std::string golden = score.name;
    if (golden == "mahalanobis") golden = "mahalanobis_shrunk";
    if (golden == "relative_mahalanobis") golden = "relative_shrunk";
    CHECK(test::largest_error(score.values, data.golden.array(golden)) < 1e-4);
  }
  CHECK(names == std::vector<std::string>{"max_softmax", "temperature_scaled", "max_logit", "energy", "react",
                                          "knn", "mahalanobis", "relative_mahalanobis", "vim", "openmax"});
}

TEST_CASE("novelty_scores: one that cannot be fitted says why, the others go on") {
  const test::NoveltyCase data("few_rows");
  NoveltyOptions options;
  options.neighbours = 61;
  const NoveltyScorer scorer({data.train_rows(), data.train_logit_rows(), data.labels, {}, {}}, options);
  for (const NoveltyScore& score : scorer.score(data.test_rows(), data.test_logit_rows())) {
    CAPTURE(score.name);
    if (score.name == "knn") {
      CHECK(score.unavailable == "knn: wanted k in 1..60, the training rows, got 61");
    } else if (score.name == "react") {
      CHECK(score.unavailable == "react: wanted the head's function, got none");
    } else {
      CHECK(score.unavailable.empty());
      CHECK(score.values.size() == 30);
    }
  }
}

TEST_CASE("novelty_scores: training rows that disagree") {
  const test::NoveltyCase data("all_known");
  CHECK_THROWS_WITH_AS(NoveltyScorer({data.train_rows(), data.test_logit_rows(), data.labels, {}, {}}),
                       Contains("logits and labels for 150 rows"), Error);
  CHECK_THROWS_WITH_AS(NoveltyScorer({{{}, 6}, {{}, 4}, {}, {}, {}}), Contains("at least one row"), Error);
}
