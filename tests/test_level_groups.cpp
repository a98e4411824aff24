// Which images are seen, near and far at each level, and halves of them.
#include "apps/measure/level_groups.h"

#include <doctest/doctest.h>

#include <numeric>

#include "models/losses.h"
#include "tests/support/tiny_level.h"

using namespace tern;

TEST_CASE("level_groups: groups of the subclass level") {
  const test::TemporaryFolder folder;
  const StudyData data = test::made_up_study();
  const Run run = test::made_up_run(folder, data);
  const ScoredParts parts = test::made_up_parts(data);
  const LevelGroups groups = level_groups(run, data, parts, {}, Level::sub);
  CHECK(groups.novel == 4);
  CHECK(groups.known == std::vector<std::uint8_t>{1, 0, 1, 1, 0});
  CHECK(groups.train.count() == 60);
  CHECK(groups.seen.count() == 30);
  CHECK(groups.near.count() == 30);
  CHECK(groups.far.count() == 7);
  for (const LevelRows* rows : {&groups.train, &groups.seen, &groups.near, &groups.far}) {
    CHECK(rows->logit_rows().count() == rows->count());
    CHECK(rows->feature_rows().count() == rows->count());
    for (std::int64_t i = 0; i < rows->count(); ++i) {
      CHECK(rows->logit_rows().row(i)[1] == kMaskedLogit);  // held out: never trained
      CHECK(rows->logit_rows().row(i)[2] == 3 * rows->feature_rows().row(i)[2]);
    }
  }
  for (const std::int32_t label : groups.near.labels) CHECK(label == 1);
  for (const std::int32_t label : groups.far.labels) CHECK(label == 4);

  Decision unmasked;
  unmasked.mask_untrained = false;
  const LevelGroups whole = level_groups(run, data, parts, unmasked, Level::sub);
  CHECK(whole.known == std::vector<std::uint8_t>{1, 1, 1, 1, 0});
  CHECK(whole.near.logit_rows().row(0)[1] != kMaskedLogit);
}

TEST_CASE("level_groups: held-out subclasses are no novelty among superclasses") {
  const test::TemporaryFolder folder;
  const StudyData data = test::made_up_study();
  const LevelGroups groups =
      level_groups(test::made_up_run(folder, data), data, test::made_up_parts(data), {}, Level::super);
  CHECK(groups.near.count() == 0);
  CHECK(groups.far.count() == 7);
  CHECK(groups.seen.count() == 30);
  CHECK(groups.known == std::vector<std::uint8_t>{1, 1, 0});
}

TEST_CASE("level_groups: a superclass that was never trained on is novel at both levels") {
  const test::TemporaryFolder folder;
  StudyData data = test::made_up_study();
  ScoredParts parts = test::made_up_parts(data);
  std::swap(data.split.pseudo_novel, data.split.pseudo_novel_super);
  std::swap(parts.pseudo_novel, parts.pseudo_novel_super);
  const Run run = test::made_up_run(folder, data);
  for (const Level level : {Level::super, Level::sub}) {
    const LevelGroups groups = level_groups(run, data, parts, {}, level);
    CHECK(groups.near.count() == 0);
    CHECK(groups.far_held_out.count() == 30);
    const auto kinds = novel_kinds(groups);
    REQUIRE(kinds.size() == 2);
    CHECK(std::string(name_of(kinds[0])) == "far");
    CHECK(std::string(name_of(kinds[1])) == "far_held_out");
  }
}

TEST_CASE("level_groups: random halves") {
  for (const std::int64_t count : {0, 1, 2, 7, 100}) {
    CAPTURE(count);
    const std::vector<std::uint8_t> half = random_half(count, 42, 1);
    CHECK(std::accumulate(half.begin(), half.end(), std::int64_t{0}) == (count + 1) / 2);
    CHECK(half == random_half(count, 42, 1));
  }
  CHECK(random_half(100, 42, 1) != random_half(100, 42, 2));
  CHECK(random_half(100, 42, 1) != random_half(100, 43, 1));
}
