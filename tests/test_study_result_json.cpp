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
