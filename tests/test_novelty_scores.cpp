#include "models/novelty_scores.h"

#include <cmath>

#include <doctest/doctest.h>

#include "tests/support/novelty_case.h"

using namespace tern;
using doctest::Contains;

namespace {

NoveltyScorer fitted_scorer(const test::NoveltyCase& data) {
  NoveltyOptions options;
  options.temperature = 2.5;
  options.neighbours = data.number("k");
  options.shrinkage = 0.2;
  options.vim = {data.number("dimension"), data.origin};
  options.openmax = {data.number("tail"), data.number("top")};
  return {{data.train_rows(), data.train_logit_rows(), data.labels, data.known, data.head()}, options};
}

}  // namespace

TEST_CASE("novelty_scores: thirteen scores, each its own function's") {
  const test::NoveltyCase data("novel_column");
  const NoveltyScorer scorer = fitted_scorer(data);
  const std::vector<NoveltyScore> scores = scorer.score(data.test_rows(), data.test_logit_rows());
  std::vector<std::string> names;
  for (const NoveltyScore& score : scores) {
    CAPTURE(score.name);
    names.push_back(score.name);
    CHECK(score.unavailable.empty());
    std::string golden = score.name;
    if (golden == "mahalanobis") golden = "mahalanobis_shrunk";
    if (golden == "relative_mahalanobis") golden = "relative_shrunk";
    if (golden == "normalized_mahalanobis") golden = "mahalanobis_normalized";
    if (golden == "normalized_relative_mahalanobis") golden = "relative_normalized";
    CHECK(test::largest_error(score.values, data.golden.array(golden)) < 1e-4);
  }
  CHECK(names == std::vector<std::string>{"max_softmax", "temperature_scaled", "max_logit", "energy", "gen",
                                          "react", "knn", "mahalanobis", "relative_mahalanobis",
                                          "normalized_mahalanobis", "normalized_relative_mahalanobis", "vim",
                                          "openmax"});
  CHECK(names == novelty_score_names());
}

TEST_CASE("novelty_scores: what was written and read again gives the same numbers, each name alone too") {
  const test::NoveltyCase data("novel_column");
  const NoveltyScorer scorer = fitted_scorer(data);
  StateDict tensors;
  scorer.write(NoveltyStateWriter(tensors, "sub."));
  const std::vector<NoveltyScore> wanted = scorer.score(data.test_rows(), data.test_logit_rows());
  for (const NoveltyScore& one : wanted) {
    CAPTURE(one.name);
    const NoveltyScorer read(NoveltyStateReader(tensors, "sub."), {one.name}, data.head());
    StateDict alone;
    read.write(NoveltyStateWriter(alone));
    const std::vector<NoveltyScore> scores = NoveltyScorer(NoveltyStateReader(alone), {one.name}, data.head())
                                                 .score(data.test_rows(), data.test_logit_rows());
    REQUIRE(scores.size() == 1);
    CHECK(scores[0].values == one.values);
  }
}

TEST_CASE("novelty_scores: a damaged state is told by its tensor") {
  const test::NoveltyCase data("novel_column");
  StateDict tensors;
  fitted_scorer(data).write(NoveltyStateWriter(tensors));
  const auto read = [&] {
    return NoveltyScorer(NoveltyStateReader(tensors), novelty_score_names(), data.head());
  };
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const NamedTensor kept = tensors[i];
    CAPTURE(kept.name);
    tensors[i].name = "another";
    CHECK_THROWS_WITH_AS(read(), Contains(kept.name.c_str()), Error);
    tensors[i] = {kept.name, Tensor::from(Shape{2, 1}, std::vector<float>{1, 2})};
    if (kept.tensor.dtype() != DType::f32) CHECK_THROWS_WITH_AS(read(), Contains("a tensor of"), Error);
    tensors[i] = kept;
  }
  const auto with = [&](const char* name, const Tensor& value) {
    Tensor& tensor = *find(tensors, name);
    const Tensor kept = tensor;
    tensor = value;
    CHECK_THROWS_AS(read(), Error);
    tensor = kept;
  };
  with("knn.k", Tensor::from(Shape{1}, std::vector<std::int64_t>{0}));
  with("knn.columns", Tensor::from(Shape{1}, std::vector<std::int64_t>{7}));
  with("mahalanobis.columns", Tensor::from(Shape{1}, std::vector<std::int64_t>{-1}));
  with("mahalanobis.mean", Tensor::from(Shape{9}, std::vector<double>(9, NAN)));
  with("vim.columns", Tensor::from(Shape{1}, std::vector<std::int64_t>{1}));
  with("openmax.class_1.column", Tensor::from(Shape{1}, std::vector<std::int64_t>{99}));
  with("openmax.class_1.mean", Tensor::from(Shape{1}, std::vector<double>{0}));
  with("openmax.top", Tensor::from(Shape{1}, std::vector<std::int64_t>{0}));
  CHECK_NOTHROW(read());
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
  CHECK_THROWS_WITH_AS(
      NoveltyScorer({data.train_rows(), data.train_logit_rows(), data.labels, {}, {}}, {}, {"entropy"}),
      Contains("wanted one of max_softmax, temperature_scaled, max_logit"), Error);
}
