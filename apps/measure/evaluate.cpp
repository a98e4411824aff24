#include "apps/measure/evaluate.h"

#include <fmt/format.h>

#include "apps/measure/calibration_file.h"
#include "apps/measure/class_report.h"
#include "apps/measure/level_report.h"

namespace tern {
namespace {

/// The answers of both levels to one part's images.
struct PartAnswers {
  ByLevel<Answers> validation, pseudo_novel, pseudo_novel_super;
};

/// Of images that are all to be called novel; none if there are no images.
std::optional<NoveltyCounts> count_all_novel(const std::vector<std::int64_t>& images,
                                             const std::vector<std::int32_t>& answers, std::int32_t novel) {
  if (images.empty()) return std::nullopt;
  return count_novelty(std::vector<std::int32_t>(images.size(), novel), answers, novel);
}

LevelDashboard super_level(const StudyData& data, const Decision& decision, const PartAnswers& answers) {
  const std::int32_t novel = data.dataset.classes.novel_superclass();
  const std::vector<std::int32_t>& labels = data.dataset.superclasses;
  LevelDashboard level{decision.tau.super, {}, {}, {}};
  level.validation =
      count_novelty(labels_of(labels, data.split.validation), answers.validation.super.classes, novel);
  if (!data.split.pseudo_novel.empty()) {
    level.pseudo =
        count_novelty(labels_of(labels, data.split.pseudo_novel), answers.pseudo_novel.super.classes, novel);
  }
  level.pseudo_super =
      count_all_novel(data.split.pseudo_novel_super, answers.pseudo_novel_super.super.classes, novel);
  return level;
}

LevelDashboard sub_level(const StudyData& data, const Decision& decision, const PartAnswers& answers) {
  const std::int32_t novel = data.dataset.classes.novel_subclass();
  LevelDashboard level{decision.tau.sub, {}, {}, {}};
  level.validation = count_novelty(labels_of(data.dataset.subclasses, data.split.validation),
                                   answers.validation.sub.classes, novel);
  level.pseudo = count_all_novel(data.split.pseudo_novel, answers.pseudo_novel.sub.classes, novel);
  level.pseudo_super =
      count_all_novel(data.split.pseudo_novel_super, answers.pseudo_novel_super.sub.classes, novel);
  return level;
}

Json settings_of(const Run& run, const StudyData& data, const Decision& decision) {
  Json settings = {{"tau_super", decision.tau.super},
                   {"tau_sub", decision.tau.sub},
                   {"mask_untrained_logits", decision.mask_untrained},
                   {"consistent", decision.consistent}};
  const char* const kept[] = {"approach",  "backbone", "super_head", "sub_head",
                              "fine_tune", "cifar",    "split",      "hold_out"};
  for (const ConfigKey& key : config_keys()) {
    for (const char* name : kept) {
      if (key.name != name) continue;
      const ConfigValue value = key.get(run.config);
      if (const auto* text = std::get_if<std::string>(&value)) settings[key.name] = *text;
      if (const auto* flag = std::get_if<bool>(&value)) settings[key.name] = *flag;
    }
  }
  settings["held_out_subclasses"] = data.split.held_out.size();
  settings["far_held_out_images"] = data.split.pseudo_novel_super.size();
  return settings;
}

Dashboard make_dashboard(const Run& run, const StudyModels& models, const StudyData& data,
                         const Decision& decision, const PartAnswers& answers) {
  Dashboard dashboard;
  dashboard.settings = settings_of(run, data, decision);
  if (models.has(Level::super)) dashboard.super = super_level(data, decision, answers);
  if (models.has(Level::sub)) dashboard.sub = sub_level(data, decision, answers);
  return dashboard;
}

/// Adds the parts of evaluation.json that are told class by class. Returns them as text.
std::string add_classes(const StudyModels& models, const StudyData& data, const PartAnswers& answers,
                        Json& json) {
  std::string text;
  for (const Level level : models.levels()) {
    const ClassReport report =
        make_class_report(data, level, answers.validation[level], answers.pseudo_novel[level]);
    text += report.text();
    json["classes"][name_of(level)] = report.classes_json();
    json["confusion_matrix_images"][name_of(level)] = report.confusion_json();
  }
  return text;
}

/// Adds what does not depend on thresholds. Returns it as text.
std::string add_levels(const Run& run, StudyModels& models, const StudyData& data, const Decision& decision,
                       const ScoredParts& scored, Json& json) {
  std::string text;
  for (const Level level : models.levels()) {
    const LevelGroups groups = level_groups(run, data, scored, decision, level);
    const LevelReport report =
        make_level_report(groups, models.head(level), models.head_origin(level, groups.known),
                          static_cast<std::uint64_t>(run.config.seed));
    text += report.text();
    json["closed_set"][name_of(level)] = report.closed_set_json();
    json["novelty"][name_of(level)] = report.novelty_json();
  }
  return text;
}

}  // namespace

int evaluate(const EvaluateOptions& options) {
  const Device device = prepare_runtime(options.runtime);
  const Run run = Run::open(options.run);
  fmt::print("{}", run.unfinished_text());
  const Decision decision = resolve_decision(run.config, with_calibrated_taus(run, options.decision));
  StudyModels models(run, device);
  const StudyData data = load_run_data(run, options.folders);
  const ScoredParts scored = score_parts(models, data, options.novelty_scores);
  const PartAnswers answers{answer_levels(run, decision, scored.validation),
                            answer_levels(run, decision, scored.pseudo_novel),
                            answer_levels(run, decision, scored.pseudo_novel_super)};
  const Dashboard dashboard = make_dashboard(run, models, data, decision, answers);
  Json json = dashboard.to_json();
  std::string text = dashboard.table();
  text += add_classes(models, data, answers, json);
  if (options.novelty_scores) text += add_levels(run, models, data, decision, scored, json);
  if (options.print) fmt::print("{}", text);
  write_json(run.folder() / "evaluation.json", json);
  return 0;
}

}  // namespace tern
