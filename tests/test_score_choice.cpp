#include "apps/measure/score_choice.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("score_choice: what --score says, and back to text") {
  const auto both = parse_scores({"relative_mahalanobis+max_logit"});
  for (const Level level : kLevels) {
    REQUIRE(both[level]);
    CHECK(*both[level] == ScoreChoice{{{level, "relative_mahalanobis"}, {level, "max_logit"}}});
    CHECK(text_of(*both[level], level) == "relative_mahalanobis+max_logit");
  }
  const auto apart = parse_scores({"super=sub:knn+energy", "sub=max_softmax"});
  CHECK(*apart.super == ScoreChoice{{{Level::sub, "knn"}, {Level::super, "energy"}}});
  CHECK(text_of(*apart.super, Level::super) == "sub:knn+energy");
  CHECK(apart.sub->terms.empty());
  CHECK(text_of(*apart.sub, Level::sub) == kPlainScore);
  CHECK_FALSE(parse_scores({"sub=knn"}).super);
  CHECK_FALSE(parse_scores({}).sub);
  // The largest probability of the other level is no plain choice.
  CHECK(parse_scores({"super=sub:max_softmax"}).super->terms.size() == 1);
  CHECK(*parse_scores({"super=super:max_softmax"}).super == ScoreChoice{});
}

TEST_CASE("score_choice: the scores that a level's model must give") {
  const auto choices = parse_scores({"super=sub:knn+energy", "sub=knn+vim"});
  const ByLevel<ScoreChoice> chosen{*choices.super, *choices.sub};
  CHECK(names_of(chosen, Level::super) == std::vector<std::string>{"energy"});
  CHECK(names_of(chosen, Level::sub) == std::vector<std::string>{"knn", "vim"});
}

TEST_CASE("score_choice: with one level of classes their scores are of the class level") {
  const auto choices = parse_scores({"class=knn+any-class:energy"}, /*one_level=*/true);
  CHECK_FALSE(choices.super);
  CHECK(choices.sub->terms == std::vector<ScoreTerm>{{Level::sub, "knn"}, {Level::super, "energy"}});
  CHECK_FALSE(parse_scores({"knn"}, true).super);
  CHECK(parse_scores({"knn"}, true).sub->terms == std::vector<ScoreTerm>{{Level::sub, "knn"}});
  CHECK(parse_scores({"sub=knn"}, true).sub->terms == std::vector<ScoreTerm>{{Level::sub, "knn"}});
  CHECK_THROWS_WITH_AS(parse_scores({"class=knn"}), Contains("wanted super or sub for a level"), Error);
}

TEST_CASE("score_choice: what is no score") {
  const auto refused = [](std::vector<std::string> texts, const char* why) {
    CAPTURE(texts[0]);
    CHECK_THROWS_WITH_AS(parse_scores(texts), Contains(why), Error);
  };
  refused({"entropy"}, "--score entropy: wanted sums of max_softmax, temperature_scaled, max_logit");
  refused({""}, "got \"\"");
  refused({"knn+"}, "got \"\"");
  refused({"knn++vim"}, "got \"\"");
  refused({"knn+knn"}, "wanted each score once, got knn twice");
  refused({"middle=knn"}, "wanted super or sub for a level, got \"middle\"");
  refused({"middle:knn"}, "wanted super or sub for a level, got \"middle\"");
  refused({"knn", "sub=vim"}, "wanted one for each level, got two for sub");
  refused({"=knn"}, "wanted super or sub");
}
