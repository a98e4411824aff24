#include "apps/measure/level_report.h"

#include <doctest/doctest.h>

#include "apps/measure/evaluation_json.h"
#include "apps/measure/evaluation_text.h"
#include "engine/core/check.h"
#include "engine/metrics/oscr.h"
#include "models/novelty_scores.h"
#include "tests/support/tiny_level.h"

using namespace tern;
using doctest::Contains;

namespace {

std::vector<float> head(const Rows& features) {
  std::vector<float> logits;
  for (const float value : features.values) logits.push_back(3 * value);
  return logits;
}

LevelGroups sub_groups() {
  const test::TemporaryFolder folder;
  const StudyData data = test::made_up_study();
  return level_groups(test::made_up_run(folder, data), data, test::made_up_parts(data), {}, Level::sub);
}

}  // namespace

TEST_CASE("level_report: near and far apart, each score by its metrics") {
  const LevelGroups groups = sub_groups();
  const LevelReport report = make_level_report(groups, {{{groups}, head, {}}}, 42);
  REQUIRE(report.novelty.size() == 2);
  CHECK(report.novelty[0].name == "near");
  CHECK(report.novelty[1].name == "far");
  CHECK(report.novelty[0].novel == 30);
  CHECK(report.novelty[1].novel == 7);
  const Json json = novelty_json(report);
  for (const char* set : {"near", "far"}) {
    for (const auto& named : json.at(set).at("scores").items()) {
      const auto& name = named.key();
      const auto& score = named.value();
      CAPTURE(name);
      if (name == "knn") continue;
      CHECK(score.at("auroc_percent").get<double>() > 50);
      CHECK(score.at("oscr_percent") <= score.at("auroc_percent"));
    }
    CHECK(json.at(set).at("scores").size() == novelty_score_names().size());
  }
  // The same by hand for one of them.
  const auto seen = max_softmax_novelty(groups.seen.logit_rows(), groups.known);
  const auto near = max_softmax_novelty(groups.near.logit_rows(), groups.known);
  const Json& score = json.at("near").at("scores").at("max_softmax");
  CHECK(score.at("auroc_percent") == 100 * auroc(near, seen));
  CHECK(score.at("fpr_at_95_tpr_novel_positive_percent") == 100 * fpr_at_tpr(near, seen));
  CHECK(level_text(report).find("relative_mahalanobis") != std::string::npos);
  // A failure is a wrong answer or a novel image.
  CHECK(score.at("auroc_low_percent") <= score.at("auroc_percent"));
  CHECK(score.at("auroc_high_percent") >= score.at("auroc_percent"));
  CHECK(score.at("auroc_low_percent") < score.at("auroc_high_percent"));
  CHECK(score.at("augrc_percent") > 0);
  CHECK(score.at("augrc_percent") < score.at("aurc_percent"));
}

TEST_CASE("level_report: accuracy and calibration on seen images") {
  const LevelReport report = make_level_report(sub_groups(), {{{sub_groups()}, head, {}}}, 42);
  const Json json = closed_set_json(report.closed_set);
  CHECK(json.at("images") == 30);
  CHECK(json.at("accuracy_percent").get<double>() > 80);
  CHECK(json.at("balanced_accuracy_percent").get<double>() > 80);
  std::int64_t images = 0;
  for (const Json& bin : json.at("reliability")) images += bin.at("images").get<std::int64_t>();
  CHECK(images == 30);
  CHECK(json.at("temperature").at("fitted").get<double>() > 0);
  CHECK(report.closed_set.scaled_nll < 2);
}

TEST_CASE("level_report: a score without a model says why; 60 training rows are enough for 50 neighbours") {
  LevelGroups groups = sub_groups();
  groups.train.labels.resize(20);
  groups.train.features.resize(20 * 5);
  groups.train.logits.resize(20 * 5);
  const LevelReport report = make_level_report(groups, {{{groups}, head, {}}}, 42);
  const Json json = novelty_json(report);
  CHECK(json.at("near").at("scores").at("knn").at("unavailable") ==
        "knn: wanted k in 1..20, the training rows, got 50");
  CHECK(json.at("near").at("scores").at("max_softmax").contains("auroc_percent"));
  CHECK(level_text(report).find("none: knn: wanted k") != std::string::npos);
}

TEST_CASE("level_report: nothing novel, nothing seen") {
  LevelGroups groups = sub_groups();
  groups.near = groups.far = {};
  CHECK(make_level_report(groups, {{{groups}, head, {}}}, 42).novelty.empty());
  groups.seen = {};
  CHECK_THROWS_WITH_AS(make_level_report(groups, {{{groups}, head, {}}}, 42),
                       "sub level: wanted validation images of known classes, got none", Error);
}
