#include "apps/study/result_json.h"

#include <fmt/format.h>

#include "apps/measure/score_choice.h"
#include "engine/core/check.h"

namespace tern {
namespace {

Percent rate(const Json& evaluation, const char* part, const char* level, const char* name) {
  if (!evaluation.contains(part) || !evaluation.at(part).contains(level)) return std::nullopt;
  const Json& rates = evaluation.at(part).at(level);
  return rates.contains(name) ? Percent(rates.at(name).get<double>()) : std::nullopt;
}

LevelMeasured read_level(const Json& evaluation, const char* level, bool super) {
  LevelMeasured measured;
  measured.tau = evaluation.at("validation").at(level).at("tau").get<double>();
  measured.seen = rate(evaluation, "validation", level, "accuracy_seen_percent");
  // The superclass of a held-out subclass is known.
  measured.near =
      rate(evaluation, "pseudo_novel", level, super ? "accuracy_seen_percent" : "accuracy_novel_percent");
  measured.far = rate(evaluation, "pseudo_novel_super", level, "accuracy_novel_percent");
  measured.far_trained = rate(evaluation, "validation", level, "accuracy_novel_percent");
  return measured;
}

std::int64_t images_of(const Json& evaluation, const char* part) {
  return evaluation.contains(part) ? whole_number(evaluation.at(part).at("sub").at("novel_images")) : 0;
}

Json level_json(const LevelMeasured& level) {
  Json json = {{"tau", level.tau}};
  if (level.seen) json["seen_right_percent"] = *level.seen;
  if (level.near) json["near_right_percent"] = *level.near;
  if (level.far) json["far_held_out_found_percent"] = *level.far;
  if (level.far_trained) json["far_trained_found_percent"] = *level.far_trained;
  return json;
}

Json level_json(const LevelAccuracy& level) {
  Json json = Json::object();
  if (level.overall) json["overall_percent"] = *level.overall;
  if (level.seen) json["seen_percent"] = *level.seen;
  if (level.unseen) json["unseen_percent"] = *level.unseen;
  return json;
}

LevelAccuracy level_from(const Json& json) {
  const auto of = [&json](const char* name) {
    return json.contains(name) ? Percent(json.at(name).get<double>()) : std::nullopt;
  };
  return {of("overall_percent"), of("seen_percent"), of("unseen_percent")};
}

Percent percent_of(const Json& json, const char* name) {
  return json.contains(name) ? Percent(json.at(name).get<double>()) : std::nullopt;
}

/// What tables say of a run.
Measured measured_from(const Json& json) {
  Measured measured;
  for (const auto& [name, level] : {std::pair("super", &measured.super), std::pair("sub", &measured.sub)}) {
    level->seen = percent_of(json.at(name), "seen_right_percent");
    level->near = percent_of(json.at(name), "near_right_percent");
    level->far = percent_of(json.at(name), "far_held_out_found_percent");
    level->far_trained = percent_of(json.at(name), "far_trained_found_percent");
  }
  return measured;
}

void add_aurocs(const Json& novelty, std::vector<ScoreAuroc>& aurocs) {
  for (const Level level : kLevels) {
    for (const auto& [kind, set] : novelty.at(name_of(level)).items()) {
      for (const auto& [score, metrics] : set.at("scores").items()) {
        aurocs.push_back({level, kind, score, percent_of(metrics, "auroc_percent")});
      }
    }
  }
}

WithoutThreshold without_threshold_of(const Json& fold) {
  WithoutThreshold result;
  const Json closed_set = fold.value("closed_set", Json::object());
  for (const auto& [level, accuracy] :
       {std::pair("super", &result.super_accuracy), std::pair("sub", &result.sub_accuracy)}) {
    *accuracy = percent_of(closed_set.value(level, Json::object()), "accuracy_percent");
  }
  const Json near = fold.at("novelty").at("sub").value("near", Json::object());
  const Json scores = near.value("scores", Json::object());
  const Json decides =
      scores.value(scores.contains("calibrated") ? "calibrated" : kPlainScore, Json::object());
  result.near_auroc = percent_of(decides, "auroc_percent");
  result.near_aurc = percent_of(decides, "aurc_percent");
  result.near_augrc = percent_of(decides, "augrc_percent");
  return result;
}

/// Throws Json::exception for what is no result.
SeedSummary summary_of(const RowResult& result) {
  const Json& json = result.result;
  SeedSummary summary;
  summary.seed = result.seed;
  summary.estimate = estimate_from(json.at("estimate"));
  for (const Json& fold : json.value("estimate_by_fold", Json::array({json.at("estimate")}))) {
    summary.by_fold.push_back(estimate_from(fold));
  }
  for (const Json& fold : json.value("folds", Json::array())) {
    summary.folds.push_back(measured_from(fold));
    if (!fold.contains("novelty")) continue;
    add_aurocs(fold.at("novelty"), summary.aurocs);
    summary.without_threshold.push_back(without_threshold_of(fold));
  }
  for (const Json& run : json.value("without", Json::object())) summary.without.push_back(measured_from(run));
  const Json predictions = json.value("predictions", Json::object());
  summary.novel_superclass = percent_of(predictions, "novel_superclass_percent");
  summary.novel_subclass = percent_of(predictions, "novel_subclass_percent");
  summary.contradicting = percent_of(predictions, "contradicting_percent");
  summary.training_seconds = json.value("training_seconds", 0.0);
  return summary;
}

}  // namespace

Json study_json(const StudyPlan& plan, const std::vector<RowResult>& results) {
  Json json = {{"title", plan.title}, {"rows", Json::array()}};
  for (const RowResult& result : results) {
    json["rows"].push_back({{"name", result.row->name}, {"title", result.row->title}, {"seed", result.seed}});
    json["rows"].back().update(result.result);
  }
  return json;
}

std::vector<RowSummary> summarise(const StudyPlan& plan, const std::vector<RowResult>& results) {
  std::vector<RowSummary> rows;
  for (const StudyRow& row : plan.rows) {
    RowSummary summary{&row, {}, false};
    for (const RowResult& result : results) {
      if (result.row->name != row.name) continue;
      try {
        summary.seeds.push_back(summary_of(result));
        summary.one_level = result.result.value("one_level", false);
      } catch (const Json::exception&) {
        throw Error("result.json of row " + row.name + ", seed " + std::to_string(result.seed),
                    "what tern study writes", "other JSON");
      }
    }
    if (!summary.seeds.empty()) rows.push_back(std::move(summary));
  }
  return rows;
}

Json read_result(const std::filesystem::path& file) {
  const char* const remedy = "once it is removed, tern study measures the row anew";
  Json result;
  try {
    result = read_json(file);
  } catch (const Error& error) {
    throw Error(error.what(), remedy);
  }
  if (!result.is_object())
    throw Error(file.string(), fmt::format("what tern study writes ({})", remedy), "other JSON");
  return result;
}

Measured read_measured(const std::filesystem::path& file) {
  const Json evaluation = read_json(file);
  try {
    Measured measured;
    measured.super = read_level(evaluation, "super", true);
    measured.sub = read_level(evaluation, "sub", false);
    measured.near_images = images_of(evaluation, "pseudo_novel");
    measured.far_images = images_of(evaluation, "pseudo_novel_super");
    const auto held_out = evaluation.at("settings").at("held_out_subclasses").get<double>();
    const auto classes = static_cast<double>(evaluation.at("classes").at("sub").size() - 1);  // without novel
    measured.trained_share = classes > 0 ? 1 - held_out / classes : 1;
    return measured;
  } catch (const Json::exception&) {
    throw Error(file.string(), "what tern evaluate writes of a run with both levels", "other JSON");
  }
}

Json to_json(const Measured& measured) {
  return {{"super", level_json(measured.super)},
          {"sub", level_json(measured.sub)},
          {"near_images", measured.near_images},
          {"far_held_out_images", measured.far_images},
          {"trained_share_of_subclasses", measured.trained_share}};
}

Json to_json(const Estimate& estimate) {
  return {{"super", level_json(estimate.super)}, {"sub", level_json(estimate.sub)}};
}

Estimate estimate_from(const Json& json) {
  return {level_from(json.at("super")), level_from(json.at("sub"))};
}

}  // namespace tern
