// What a study takes up again: a run's evaluation.json, and in a second part a row's result.json.
// Link: tern_apps_study
// Parser: apps/study/result_json.cpp
#include "apps/study/result_json.h"

#include "apps/study/summary.h"
#include "engine/io/json.h"
#include "tests/fuzz/fuzzer.h"

using namespace tern;

TERN_FUZZER(evaluation) {
  const std::vector<std::string_view> parts = fuzz::parts_of(input, 2);
  const fuzz::MemoryFile evaluation(parts[0]), result(parts[1]);
  fuzz::accepted([&] { to_json(read_measured(evaluation.path())); });
  fuzz::accepted([&] {
    StudyPlan plan;
    plan.rows.emplace_back().name = "a";
    const std::vector<RowResult> results{{&plan.rows.front(), 42, read_json(result.path())}};
    summarise(plan, results);
    study_json(plan, results);
  });
}
