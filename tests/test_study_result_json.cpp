#include "apps/study/result_json.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"
#include "tests/support/files.h"

using namespace tern;

TEST_CASE("study_result_json: an estimate reads back as it was, gaps too") {
  const Estimate estimate{{{}, 60, {}}, {52, 70, 40}};
  const Estimate again = estimate_from(to_json(estimate));
  CHECK(again.sub.overall == estimate.sub.overall);
  CHECK(again.super.seen == estimate.super.seen);
  CHECK_FALSE(again.super.unseen);
}

TEST_CASE("study_result_json: an evaluation that is none") {
  const test::TemporaryFolder folder;
  test::write_quickly(folder / "evaluation.json", "{\"validation\": {\"super\": {\"tau\": 0.9}}}");
  CHECK_THROWS_WITH_AS(read_measured(folder / "evaluation.json"),
                       doctest::Contains("wanted what tern evaluate writes of a run with both levels"),
                       Error);
}

TEST_CASE("study_result_json: a result that is none") {
  StudyPlan plan;
  plan.rows.emplace_back().name = "a";
  for (const char* other :
       {"{\"estimate\": 3}", "{\"estimate\": {\"super\": {}, \"sub\": []}, \"folds\": [1]}"}) {
    CAPTURE(other);
    CHECK_THROWS_WITH_AS(summarise(plan, {{&plan.rows.front(), 42, Json::parse(other)}}),
                         doctest::Contains("row a, seed 42: wanted what tern study writes, got other JSON"),
                         Error);
  }
}
