// A study's plan, and in a second part the file a.toml that rows may name as their settings.
// Link: tern_apps_study
// Parser: apps/study/plan.cpp apps/measure/score_choice.cpp apps/measure/views.cpp
#include "apps/study/plan.h"

#include "apps/measure/score_choice.h"
#include "apps/measure/views.h"
#include "tests/fuzz/fuzzer.h"

using namespace tern;

TERN_FUZZER(plan) {
  static const fuzz::Folder folder;
  const std::vector<std::string_view> parts = fuzz::parts_of(input, 2);
  folder.write("plan.toml", parts[0]);
  folder.write("a.toml", parts[1].data() == nullptr ? "epochs = 1\n" : parts[1]);
  fuzz::accepted([&] {
    const StudyPlan plan = read_plan(folder / "plan.toml");
    for (const StudyRow& row : plan.rows) {
      fuzz::expect(fuzz::accepted([&] {
                     row.resolved();
                     parse_views(row.views);
                     const ByLevel<std::optional<ScoreChoice>> scores = parse_scores(row.scores);
                     for (const Level level : kLevels) text_of(scores[level].value_or(ScoreChoice{}), level);
                   }),
                   "rows of a plan that holds together");
    }
  });
}
