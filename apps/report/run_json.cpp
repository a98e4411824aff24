#include "apps/report/run_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "apps/measure/calibration_file.h"
#include "apps/measure/evaluation_json.h"
#include "apps/measure/level_report.h"
#include "apps/report/pictures.h"
#include "engine/io/csv.h"

namespace tern {
namespace {

/// The decimal number with the fewest digits that reads as the same float.
double shortest(float value) {
  return std::stod(fmt::format("{}", value));
}

std::vector<double> shortest(const std::vector<float>& values) {
  std::vector<double> numbers;
  for (const float value : values) numbers.push_back(shortest(value));
  return numbers;
}

Json group_json(const ReportGroup& group) {
  return {{"key", group.key},
          {"novel", group.novel},
          {"truth", group.truth},
          {"answer", group.answers},
          {"confidence", shortest(group.confidences)}};
}

/// Points of a curve, without those that are less than a 250th from the last one that was kept.
template <typename Point, typename X, typename Y>
Json thinned(const std::vector<Point>& points, X x, Y y) {
  constexpr double kStep = 1.0 / 250;
  Json json = Json::array();
  double last_x = -1, last_y = -1;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const double now_x = points[i].*x, now_y = points[i].*y;
    const bool far_enough = std::max(std::abs(now_x - last_x), std::abs(now_y - last_y)) >= kStep;
    if (!far_enough && i + 1 < points.size()) continue;
    json.push_back({std::round(now_x * 1e5) / 1e5, std::round(now_y * 1e5) / 1e5});
    last_x = now_x, last_y = now_y;
  }
  return json;
}

Json curve_json(const ReportGroup& seen, const ReportGroup& novel) {
  const ConfidenceCurves curves = confidence_curves(seen, novel);
  return {{"group", novel.key},
          {"auroc", curves.auroc.estimate},
          {"auroc_low", curves.auroc.low},
          {"auroc_high", curves.auroc.high},
          {"oscr", curves.oscr},
          {"aurc", curves.risk.aurc},
          {"augrc", curves.risk.augrc},
          {"roc", thinned(curves.roc, &RocPoint::false_positive_rate, &RocPoint::true_positive_rate)},
          {"oscr_curve", thinned(curves.oscr_curve, &OscrPoint::false_positive_rate,
                                 &OscrPoint::correct_classification_rate)}};
}

/// The thresholds of calibration.json, if tern calibrate was there for the same score.
Json candidates_json(const Run& run, Level level, const ScoreChoice& choice) {
  Json candidates = Json::array();
  for (const ThresholdCandidate& candidate : read_candidates(run, level, choice)) {
    candidates.push_back({{"rule", candidate.name},
                          {"tau", candidate.tau},
                          {"of_reference", is_rule_of_reference(candidate.name, level)}});
  }
  return candidates;
}

/// Accuracy, NLL, ECE and the reliability bins of the known classes alone.
Json closed_set_of(const Run& run, const StudyData& data, const ScoredParts& scored, const Decision& decision,
                   Level level) {
  const LevelGroups groups = level_groups(run, data, scored, decision, level);
  return closed_set_json(
      make_level_report(groups, {}, static_cast<std::uint64_t>(run.config.seed)).closed_set);
}

Json level_json(const Run& run, const StudyData& data, const ScoredParts& scored, const Decision& decision,
                Level level, const ScoreChoice& choice) {
  const std::int32_t novel = data.dataset.classes.novel(level);
  const std::vector<ReportGroup> groups = report_groups(run, data, scored, decision, level);
  Json json = {{"level", name_of(level)},
               {"tau", decision.tau[level]},
               {"score", text_of(choice, level)},
               {"novel", novel},
               {"closed_set", closed_set_of(run, data, scored, decision, level)},
               {"groups", Json::array()},
               {"curves", Json::array()},
               {"candidates", candidates_json(run, level, choice)},
               {"pictures", pictures_json(data, groups, novel)},
               {"novel_pictures", novel_pictures_json(data, groups)}};
  for (const ReportGroup& group : groups) {
    json["groups"].push_back(group_json(group));
    if (group.novel) json["curves"].push_back(curve_json(groups.front(), group));
  }
  return json;
}

/// Every key, with its default where that is another.
Json settings_json(const Config& config) {
  const Config defaults;
  Json json = Json::array();
  for (const ConfigKey& key : config_keys()) {
    Json entry = {{"key", key.name}, {"value", value_text(key.get(config))}};
    const std::string standard = value_text(key.get(defaults));
    if (entry["value"] != standard) entry["default"] = standard;
    json.push_back(std::move(entry));
  }
  return json;
}

/// What of summary.json is for people; folders by their last name, since a report is passed on.
Json summary_json(const Run& run) {
  Json json = Json::object();
  for (const char* key :
       {"tern_version", "versions", "status", "device", "backend", "threads", "peak_memory_mib"}) {
    if (run.summary.contains(key)) json[key] = run.summary.at(key);
  }
  for (const char* key : {"data", "cifar", "weights"}) {
    const std::filesystem::path path = run.summary_text("inputs", key);
    json["inputs"][key] = path.filename().string();
  }
  json["inputs"]["fingerprint"] = run.summary_text("inputs", "fingerprint");
  if (!run.summary.contains("models")) return json;
  for (const auto& [part, model] : run.summary.at("models").items()) {
    if (model.is_object() && model.contains("best")) json["best"][part] = model.at("best");
  }
  return json;
}

}  // namespace

Json epochs_json(const Run& run) {
  Json models = Json::array();
  if (!std::filesystem::exists(run.metrics_file())) return models;
  const CsvTable table = read_csv(run.metrics_file());
  const std::size_t model = table.column("model"), epoch = table.column("epoch");
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const std::string& name = table.rows[row][model];
    auto entry =
        std::find_if(models.begin(), models.end(), [&](const Json& m) { return m["model"] == name; });
    if (entry == models.end()) {
      models.push_back({{"model", name}, {"columns", Json::object()}});
      entry = models.end() - 1;
    }
    for (std::size_t column = 0; column < table.header.size(); ++column) {
      if (column == model) continue;
      Json& values = (*entry)["columns"][table.header[column]];
      const bool empty = column != epoch && table.rows[row][column].empty();
      values.push_back(empty ? Json() : Json(table.number(row, column)));
    }
  }
  return models;
}

Json run_json(const std::string& name, const Run& run, const StudyData& data,
              const std::vector<Level>& levels, const ScoredParts& scored, const Decision& decision,
              const ByLevel<ScoreChoice>& choices) {
  const ClassTable& classes = data.dataset.classes;
  Json json = {{"name", name},
               {"summary", summary_json(run)},
               {"settings", settings_json(run.config)},
               {"mask_untrained", decision.mask_untrained},
               {"counts", data.describe_split()},
               {"one_level", classes.has_one_level()},
               {"superclass_names", classes.superclass_names},
               {"subclass_names", classes.subclass_names},
               {"subclass_to_super", classes.subclass_to_super},
               {"epochs", epochs_json(run)},
               {"levels", Json::array()}};
  for (const Level level : levels) {
    Json of_level = level_json(run, data, scored, decision, level, choices[level]);
    // With one level of classes and nothing novel, every image is of any class: nothing to show.
    if (classes.has_one_level() && level == Level::super && of_level.at("curves").empty()) continue;
    json["levels"].push_back(std::move(of_level));
  }
  return json;
}

}  // namespace tern
