#include "apps/measure/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "apps/measure/calibration_file.h"
#include "apps/measure/evaluation_json.h"
#include "apps/measure/evaluation_text.h"

namespace tern {
namespace {

std::vector<std::pair<std::string, ConfigValue>> settings_of(const Run& run, const StudyData& data,
                                                             const Decision& decision) {
  std::vector<std::pair<std::string, ConfigValue>> settings{
      {"tau_super", decision.tau.super},
      {"tau_sub", decision.tau.sub},
      {"mask_untrained_logits", decision.mask_untrained},
      {"consistent", decision.consistent}};
  constexpr std::string_view kKept[] = {"approach",  "backbone", "super_head", "sub_head",
                                        "fine_tune", "cifar",    "split",      "hold_out"};
  for (const ConfigKey& key : config_keys()) {
    if (std::find(std::begin(kKept), std::end(kKept), key.name) == std::end(kKept)) continue;
    settings.push_back({key.name, key.get(run.config)});
  }
  settings.push_back({"held_out_subclasses", static_cast<std::int64_t>(data.split.held_out.size())});
  settings.push_back(
      {"far_held_out_images", static_cast<std::int64_t>(data.split.pseudo_novel_super.size())});
  return settings;
}

/// All but what does not depend on thresholds.
Evaluation at_thresholds(const Run& run, const StudyModels& models, const StudyData& data,
                         const Decision& decision, const ScoredParts& scored) {
  const PartAnswers answers{answer_levels(run, decision, scored.validation),
                            answer_levels(run, decision, scored.pseudo_novel),
                            answer_levels(run, decision, scored.pseudo_novel_super)};
  Evaluation evaluation;
  evaluation.settings = settings_of(run, data, decision);
  for (const Level level : models.levels()) {
    evaluation.rates[level] = level_rates(data, level, decision.tau[level], answers);
    evaluation.classes.push_back(
        make_class_report(data, level, answers.validation[level], answers.pseudo_novel[level]));
  }
  return evaluation;
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
  Evaluation evaluation = at_thresholds(run, models, data, decision, scored);
  if (options.novelty_scores) {
    for (const Level level : models.levels()) {
      const LevelGroups groups = level_groups(run, data, scored, decision, level);
      evaluation.levels.push_back(make_level_report(groups, models.head(level),
                                                    models.head_origin(level, groups.known),
                                                    static_cast<std::uint64_t>(run.config.seed)));
    }
  }
  if (options.print) fmt::print("{}", text_of(evaluation));
  write_json(run.folder() / "evaluation.json", to_json(evaluation));
  return 0;
}

}  // namespace tern
