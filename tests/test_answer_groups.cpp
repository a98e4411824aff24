// Images by answer, and which of them a page shows.
#include "apps/measure/answer_groups.h"

#include <doctest/doctest.h>

#include <algorithm>

using namespace tern;
using Images = std::vector<std::int64_t>;

namespace {

const ClassTable kClasses{{"bird", "dog", "novel"}, {"robin", "poodle", "wren", "novel"}, {0, 1, 0, 2}};

/// By image: both answers and the subclass level's confidence; the other level has more.
Predictions predictions_of(const std::vector<std::array<std::int32_t, 2>>& answers,
                           const std::vector<double>& confidences) {
  Predictions predictions;
  for (const auto& [super, sub] : answers) {
    predictions.answers.super.classes.push_back(super);
    predictions.answers.sub.classes.push_back(sub);
  }
  predictions.details.sub.alone = confidences;
  predictions.details.super.alone.assign(confidences.size(), 1.0);
  return predictions;
}

/// `counts` images of each subclass, rising in confidence by number.
Predictions known_ones(const std::vector<std::size_t>& counts) {
  std::vector<std::array<std::int32_t, 2>> answers;
  std::vector<double> confidences;
  for (std::size_t sub = 0; sub < counts.size(); ++sub) {
    for (std::size_t i = 0; i < counts[sub]; ++i) {
      answers.push_back({kClasses.subclass_to_super[sub], static_cast<std::int32_t>(sub)});
      confidences.push_back(static_cast<double>(answers.size()) / 1000);
    }
  }
  return predictions_of(answers, confidences);
}

}  // namespace

TEST_CASE("answer_groups: novel ones first, classes by superclass, the most novel first in each") {
  const Predictions predictions =
      predictions_of({{0, 0}, {1, 1}, {0, 2}, {2, 3}, {1, 3}, {0, 0}, {2, 1}, {0, 3}, {1, 2}},
                     {.9, .8, .7, .1, .2, .3, .4, .5, .6});
  const std::vector<AnswerGroup> groups = answer_groups(kClasses, predictions);
  using Kind = AnswerKind;
  REQUIRE(groups.size() == 6);
  const auto check = [&](std::size_t i, Kind kind, std::int32_t super, std::int32_t sub,
                         const Images& images) {
    CAPTURE(i);
    CHECK(groups[i].kind == kind);
    CHECK(groups[i].superclass == super);
    CHECK(groups[i].subclass == sub);
    CHECK(groups[i].images == images);
  };
  check(0, Kind::novel_superclass, 2, 3, {3, 6});  // 6: whatever the subclass level says
  check(1, Kind::novel_subclass, 0, 3, {7});
  check(2, Kind::novel_subclass, 1, 3, {4});
  check(3, Kind::known, 0, 0, {5, 0});
  check(4, Kind::known, 0, 2, {8, 2});  // 8: the superclass level says another
  check(5, Kind::known, 1, 1, {1});

  const std::vector<KindCount> kinds = count_kinds(kClasses, predictions.answers);
  REQUIRE(kinds.size() == 3);  // each image in one of them, as in the groups
  for (const KindCount& count : kinds) {
    std::size_t images = 0;
    for (const AnswerGroup& group : groups) images += group.kind == count.kind ? group.images.size() : 0;
    CHECK(count.images == images);
  }
  CHECK(kinds[0].words == "of a known class");
  CHECK(kinds[1].name == "novel_subclass");
  CHECK(kinds[2].images == 2);
}

TEST_CASE("answer_groups: one level of classes has one kind of novel ones, whichever answer says so") {
  const ClassTable classes{{"any", "novel"}, {"robin", "poodle", "novel"}, {0, 0, 1}};
  CHECK(classes.has_one_level());
  CHECK_FALSE(kClasses.has_one_level());
  const Predictions predictions =
      predictions_of({{0, 0}, {1, 1}, {0, 2}, {1, 2}, {0, 1}}, {.9, .4, .2, .1, .8});
  const std::vector<AnswerGroup> groups = answer_groups(classes, predictions);
  REQUIRE(groups.size() == 3);
  CHECK(groups[0].kind == AnswerKind::novel_subclass);
  CHECK(groups[0].images == Images{3, 2, 1});
  CHECK(groups[1].images == Images{0});
  const std::vector<KindCount> kinds = count_kinds(classes, predictions.answers);
  REQUIRE(kinds.size() == 2);
  CHECK(kinds[0].images == 2);
  CHECK(kinds[1].words == "of a novel class");
  CHECK(kinds[1].images == 3);

  Dataset images;
  images.classes = classes;
  images.superclasses = {0, 1, 1, 0, 0};
  images.subclasses = {0, 2, 2, 0, 0};
  const auto right = [&](std::size_t i) { return is_right(images, predictions.answers, i); };
  CHECK(right(0));
  CHECK(right(1));  // both say that it is novel
  CHECK(right(2));
  CHECK_FALSE(right(3));
  CHECK_FALSE(right(4));
  images.classes = kClasses;
  CHECK_FALSE(right(1));  // with two levels each answer counts
}

TEST_CASE("answer_groups: equally novel images by number, and either level may be the one that knows less") {
  Predictions predictions = predictions_of({{0, 0}, {0, 0}, {0, 0}}, {.5, .5, .9});
  CHECK(answer_groups(kClasses, predictions).at(0).images == Images{0, 1, 2});
  predictions.details.super.alone = {.8, .4, .1};
  CHECK(answer_groups(kClasses, predictions).at(0).images == Images{2, 1, 0});
  CHECK(answer_groups(kClasses, {}).empty());
}

TEST_CASE("choose_shown: all where there is room, else the most novel and even shares") {
  const Predictions predictions = known_ones({100, 10, 50});
  const std::vector<AnswerGroup> groups = answer_groups(kClasses, predictions);
  CHECK(choose_shown(groups, predictions, 160).size() == 160);
  CHECK(choose_shown(groups, predictions, 1000).size() == 160);
  const Images shown = choose_shown(groups, predictions, 60);
  REQUIRE(shown.size() == 60);
  CHECK(std::is_sorted(shown.begin(), shown.end()));
  for (std::int64_t i = 0; i < 30; ++i) CHECK(shown[static_cast<std::size_t>(i)] == i);  // the most novel
  const auto within = [&](std::int64_t from, std::int64_t to) {
    return std::count_if(shown.begin(), shown.end(), [=](std::int64_t i) { return i >= from && i < to; });
  };
  CHECK(within(30, 100) == 10);
  CHECK(within(100, 110) == 10);  // all that it has
  CHECK(within(110, 160) == 10);
  CHECK(Images(shown.begin() + 30, shown.begin() + 33) == Images{30, 37, 44});  // spread over its 70
  CHECK(Images(shown.end() - 3, shown.end()) == Images{145, 150, 155});
}

TEST_CASE("choose_shown: exactly the limit, whatever it is") {
  const Predictions predictions = known_ones({7, 1, 13});
  const std::vector<AnswerGroup> groups = answer_groups(kClasses, predictions);
  for (std::size_t limit = 1; limit <= 25; ++limit) {
    CAPTURE(limit);
    CHECK(choose_shown(groups, predictions, limit).size() == std::min<std::size_t>(limit, 21));
  }
}
