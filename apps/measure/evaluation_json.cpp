#include "apps/measure/evaluation_json.h"

#include <utility>
#include <variant>
#include <vector>

namespace tern {
namespace {

/// Adds the part `name` of each level that has it.
void add_counts(Json& json, const char* name, const ByLevel<std::optional<LevelRates>>& rates,
                std::optional<NoveltyCounts> (*counts_of)(const LevelRates&)) {
  for (const Level level : kLevels) {
    if (!rates[level]) continue;
    const std::optional<NoveltyCounts> counts = counts_of(*rates[level]);
    if (!counts) continue;
    Json& at_threshold = json[name][name_of(level)];
    at_threshold["tau"] = rates[level]->tau;
    at_threshold.update(counts_json(*counts));
  }
}

Json score_json(const ScoreMetrics& score) {
  if (!score.unavailable.empty()) return {{"unavailable", score.unavailable}};
  const NoveltyMetrics& m = score.metrics;
  return {{"auroc_percent", 100 * m.auroc},
          {"aupr_novel_positive_percent", 100 * m.aupr_novel_positive},
          {"aupr_seen_positive_percent", 100 * m.aupr_seen_positive},
          {"fpr_at_95_tpr_novel_positive_percent", 100 * m.fpr_at_95_tpr_novel_positive},
          {"fpr_at_95_tpr_seen_positive_percent", 100 * m.fpr_at_95_tpr_seen_positive},
          {"oscr_percent", 100 * score.oscr},
          {"auroc_low_percent", 100 * score.auroc.low},
          {"auroc_high_percent", 100 * score.auroc.high},
          {"aurc_percent", 100 * score.aurc},
          {"augrc_percent", 100 * score.augrc}};
}

}  // namespace

Json to_json(const Evaluation& evaluation) {
  Json json;
  for (const auto& [name, value] : evaluation.settings) {
    json["settings"][name] = std::visit([](const auto& one) { return Json(one); }, value);
  }
  if (evaluation.distances) {
    const auto add = [&json](const char* kind, std::optional<double> edges) {
      if (edges) json["balanced_hierarchical_distance_edges"][kind] = *edges;
    };
    add("known", evaluation.distances->known);
    add("novel_subclass", evaluation.distances->novel_subclass);
    add("novel_superclass", evaluation.distances->novel_superclass);
  }
  using Counts = std::optional<NoveltyCounts>;
  const auto& rates = evaluation.rates;
  add_counts(json, "validation", rates, [](const LevelRates& level) { return Counts(level.validation); });
  add_counts(json, "pseudo_novel", rates, [](const LevelRates& level) { return level.pseudo; });
  add_counts(json, "pseudo_novel_super", rates, [](const LevelRates& level) { return level.pseudo_super; });
  for (const ClassReport& report : evaluation.classes) {
    json["classes"][name_of(report.level)] = classes_json(report);
    const bool whole = report.matrix.class_count() <= kWholeConfusion;
    json[whole ? "confusion_matrix_images" : "confusion_pairs_images"][name_of(report.level)] =
        whole ? confusion_json(report.matrix) : confusion_pairs_json(report.matrix);
  }
  for (const LevelReport& report : evaluation.levels) {
    json["closed_set"][name_of(report.level)] = closed_set_json(report.closed_set);
    json["novelty"][name_of(report.level)] = novelty_json(report);
  }
  return json;
}

Json counts_json(const NoveltyCounts& counts) {
  Json json = {{"seen_images", counts.seen}, {"novel_images", counts.novel}};
  const std::vector<std::pair<const char*, Percent>> rates{
      {"accuracy_overall_percent", counts.accuracy()},
      {"accuracy_seen_percent", counts.seen_accuracy()},
      {"accuracy_novel_percent", counts.novel_accuracy()},
      {"false_novel_rate_percent", counts.false_novel_rate()},
      {"misclassified_rate_percent", counts.misclassified_rate()},
      {"one_minus_seen_accuracy_percent", counts.one_minus_accuracy()}};
  for (const auto& [name, value] : rates) {
    if (value) json[name] = *value;
  }
  return json;
}

Json classes_json(const ClassReport& report) {
  Json json = Json::array();
  for (const ClassRow& row : report.rows) {
    Json entry = {{"index", json.size()},
                  {"name", row.name},
                  {"held_out", row.held_out},
                  {"images", row.rates.images},
                  {"answers", row.rates.answers},
                  {"right", row.right},
                  {"called_novel", row.called_novel}};
    const auto add = [&](const char* name, Percent value) {
      if (value) entry[name] = *value;
    };
    add("recall_percent", row.recall());
    if (!row.held_out) {  // never answered, if it is masked
      add("precision_percent", row.rates.precision());
      add("f1_percent", row.rates.f1());
    }
    if (row.rates.most_taken_for >= 0) {
      entry["most_taken_for"] = row.rates.most_taken_for;
      entry["taken_for_images"] = row.rates.taken_for;
    }
    json.push_back(std::move(entry));
  }
  return json;
}

Json confusion_json(const ConfusionMatrix& matrix) {
  Json json = Json::array();
  for (std::int32_t truth = 0; truth < matrix.class_count(); ++truth) {
    Json row = Json::array();
    for (std::int32_t answer = 0; answer < matrix.class_count(); ++answer)
      row.push_back(matrix.at(truth, answer));
    json.push_back(std::move(row));
  }
  return json;
}

Json confusion_pairs_json(const ConfusionMatrix& matrix) {
  Json json = Json::array();
  for (std::int32_t truth = 0; truth < matrix.class_count(); ++truth) {
    for (const auto& [answer, images] : matrix.row(truth)) json.push_back({truth, answer, images});
  }
  return json;
}

Json closed_set_json(const ClosedSet& c) {
  Json json = {{"images", c.images}};
  if (c.accuracy) json["accuracy_percent"] = *c.accuracy;
  if (c.balanced_accuracy) json["balanced_accuracy_percent"] = *c.balanced_accuracy;
  json["nll_nats"] = c.nll;
  json["ece_percent"] = 100 * c.ece;
  json["temperature"] = {{"fitted", c.temperature},
                         {"other_half_nll_nats", c.held_out_nll},
                         {"other_half_nll_scaled_nats", c.scaled_nll},
                         {"other_half_ece_percent", 100 * c.held_out_ece},
                         {"other_half_ece_scaled_percent", 100 * c.scaled_ece}};
  for (const ReliabilityBin& bin : c.bins) {
    json["reliability"].push_back({{"lower", bin.lower},
                                   {"upper", bin.upper},
                                   {"images", bin.count},
                                   {"mean_confidence_percent", 100 * bin.mean_confidence},
                                   {"accuracy_percent", 100 * bin.accuracy}});
  }
  return json;
}

Json novelty_json(const LevelReport& report) {
  Json json = Json::object();
  for (const NoveltySet& set : report.novelty) {
    json[set.name] = {{"seen_images", set.seen}, {"novel_images", set.novel}};
    for (const ScoreMetrics& score : set.scores) json[set.name]["scores"][score.name] = score_json(score);
  }
  return json;
}

}  // namespace tern
