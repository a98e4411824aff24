#include "apps/evaluate.h"

#include <fmt/format.h>

#include "engine/core/check.h"

namespace tern {
namespace {

/// The images of the run, which must be those that it was trained on.
StudyData load_run_data(const Run& run, DataFolders folders) {
  if (folders.data.empty()) folders.data = run.summary_text("inputs", "data");
  if (folders.cifar.empty()) folders.cifar = run.summary_text("inputs", "cifar");
  StudyData data = load_study_data(run.config, resolve_folders(run.config, folders));
  const std::string before = run.summary_text("inputs", "fingerprint");
  if (before != data.fingerprint) {
    throw Error("--data " + folders.data.string(), "the images that the run was trained on (" + before + ")",
                "others (" + data.fingerprint + "), whose split may mix training and validation");
  }
  return data;
}

std::vector<std::int32_t> labels_of(const std::vector<std::int32_t>& labels,
                                    const std::vector<std::int64_t>& indices) {
  std::vector<std::int32_t> picked;
  for (const std::int64_t index : indices) picked.push_back(labels[static_cast<std::size_t>(index)]);
  return picked;
}

LevelDashboard super_level(const Run& run, const StudyData& data, const Decision& decision,
                           const Scores& validation, const Scores& pseudo) {
  const std::int32_t novel = data.dataset.classes.novel_superclass();
  const std::vector<std::int32_t>& labels = data.dataset.superclasses;
  LevelDashboard level{decision.tau_super, {}, {}};
  level.validation = count_novelty(labels_of(labels, data.split.validation),
                                   answer_super(run, decision, validation.super_logits).classes, novel);
  if (!data.split.pseudo_novel.empty()) {
    level.pseudo = count_novelty(labels_of(labels, data.split.pseudo_novel),
                                 answer_super(run, decision, pseudo.super_logits).classes, novel);
  }
  return level;
}

LevelDashboard sub_level(const Run& run, const StudyData& data, const Decision& decision,
                         const Scores& validation, const Scores& pseudo) {
  const std::int32_t novel = data.dataset.classes.novel_subclass();
  LevelDashboard level{decision.tau_sub, {}, {}};
  level.validation = count_novelty(labels_of(data.dataset.subclasses, data.split.validation),
                                   answer_sub(run, decision, validation.sub_logits).classes, novel);
  if (!data.split.pseudo_novel.empty()) {
    const std::vector<std::int32_t> truth(data.split.pseudo_novel.size(), novel);
    level.pseudo = count_novelty(truth, answer_sub(run, decision, pseudo.sub_logits).classes, novel);
  }
  return level;
}

Json settings_of(const Run& run, const StudyData& data, const Decision& decision) {
  Json settings = {{"tau_super", decision.tau_super},
                   {"tau_sub", decision.tau_sub},
                   {"mask_untrained_logits", decision.mask_untrained}};
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
  return settings;
}

}  // namespace

Dashboard make_dashboard(const Run& run, StudyModels& models, const StudyData& data,
                         const Decision& decision) {
  const Scores validation = models.score(data.dataset, data.split.validation, "validation");
  Scores pseudo;
  if (!data.split.pseudo_novel.empty()) {
    pseudo = models.score(data.dataset, data.split.pseudo_novel, "pseudo-novel");
  }
  Dashboard dashboard;
  dashboard.settings = settings_of(run, data, decision);
  if (models.has_super()) dashboard.super = super_level(run, data, decision, validation, pseudo);
  if (models.has_sub()) dashboard.sub = sub_level(run, data, decision, validation, pseudo);
  return dashboard;
}

int evaluate(const EvaluateOptions& options) {
  const Device device = prepare_runtime(options.runtime);
  const Run run = Run::open(options.run);
  StudyModels models(run, device);
  const StudyData data = load_run_data(run, options.folders);
  const Decision decision = resolve_decision(run.config, options.decision);
  const Dashboard dashboard = make_dashboard(run, models, data, decision);
  fmt::print("{}", dashboard.table());
  write_json(run.folder() / "evaluation.json", dashboard.to_json());
  return 0;
}

}  // namespace tern
