#include "apps/measure/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "apps/common/level_words.h"
#include "apps/common/ranks.h"
#include "apps/measure/evaluation_json.h"
#include "apps/measure/evaluation_text.h"
#include "apps/measure/on_ranks.h"
#include "apps/measure/predictor.h"

namespace tern {
namespace {

std::vector<std::pair<std::string, ConfigValue>> settings_of(const Predictor& predictor,
                                                             const StudyData& data) {
  const Run& run = predictor.runs.front();
  const Decision& decision = predictor.decision;
  std::vector<std::pair<std::string, ConfigValue>> settings{
      {"tau_super", decision.tau.super},
      {"tau_sub", decision.tau.sub},
      {"mask_untrained_logits", decision.mask_untrained},
      {"consistent", decision.consistent},
      {"joint", decision.joint.has_value()}};
  for (const Level level : predictor.models.levels()) {
    const ScoreChoice choice = predictor.choices()[level];
    if (!choice.terms.empty())
      settings.push_back({fmt::format("score_{}", name_of(level)), text_of(choice, level)});
  }
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
Evaluation at_thresholds(const Predictor& predictor, const StudyData& data, const ScoredParts& scored) {
  const Run& run = predictor.runs.front();
  const Decision& decision = predictor.decision;
  const PartAnswers answers{answer_levels(run, decision, scored.validation),
                            answer_levels(run, decision, scored.pseudo_novel),
                            answer_levels(run, decision, scored.pseudo_novel_super)};
  Evaluation evaluation;
  evaluation.one_level = run.classes().has_one_level();
  evaluation.settings = settings_of(predictor, data);
  if (predictor.models.levels().size() == kLevels.size())
    evaluation.distances = tree_distances(data, answers);
  for (const Level level : predictor.models.levels()) {
    evaluation.rates[level] = level_rates(data, level, decision.tau[level], answers);
    evaluation.classes.push_back(
        make_class_report(data, level, answers.validation[level], answers.pseudo_novel[level]));
  }
  return evaluation;
}

/// Whether there are images to measure novelty scores on.
bool has_novel_images(const StudyData& data) {
  const Split& split = data.split;
  if (!split.pseudo_novel.empty() || !split.pseudo_novel_super.empty()) return true;
  const std::int32_t novel = data.dataset.classes.novel_subclass();
  const std::vector<std::int32_t> labels = labels_of(data.dataset.subclasses, split.validation);
  return std::find(labels.begin(), labels.end(), novel) != labels.end();
}

/// What each run says of a level in each view.
std::vector<LevelMember> members_of(Predictor& predictor, const EnsembleData& data, const ScoredParts& scored,
                                    Level level) {
  std::vector<LevelMember> members(predictor.runs.size());
  for (std::size_t run = 0; run < members.size(); ++run) {
    for (std::size_t view = 0; view < count_views(scored); ++view) {
      members[run].views.push_back(level_groups(
          predictor.runs[run], *data[run], parts_of_member(scored, run, view), predictor.decision, level));
    }
    members[run].head = predictor.models.member(run).head(level);
    members[run].origin = predictor.models.member(run).head_origin(level, members[run].views.front().known);
  }
  return members;
}

/// Who takes a threshold as it comes may find every image novel.
void warn_of_strict_thresholds(const Evaluation& evaluation, const std::vector<Level>& levels, bool joint) {
  for (const Level level : levels) {
    const LevelRates& rates = *evaluation.rates[level];
    const Percent called_novel = rates.validation.false_novel_rate();
    if (!called_novel || *called_novel < 50) continue;
    warn("note: {} calls {:.0f} % of the known validation images novel at the {} level; tern calibrate {}\n",
         joint ? "--joint" : fmt::format("tau {:g}", rates.tau), *called_novel,
         level_word(level, evaluation.one_level),
         joint ? "--mix says how many to expect" : "proposes others");
  }
}

int evaluate_on(Communicator& ranks, const EvaluateOptions& options) {
  const Device device = prepare_ranks(ranks, options.runtime, "an evaluation");
  std::vector<Run> runs = open_ensemble(options.runs);
  for (const Run& run : runs) warn("{}", run.unfinished_text());
  Predictor predictor(std::move(runs), options.decision, options.views, device, options.memo);
  const Run& run = predictor.runs.front();
  const EnsembleData data = load_ensemble_data(predictor.runs, options.folders);
  check_alike(ranks, "the images and labels", data.front()->fingerprint);
  predictor.models.share_among(&ranks);
  const bool fit = options.novelty_scores && has_novel_images(*data.front());
  ScoredParts scored = score_parts(predictor.models, data, fit || predictor.needs_features(),
                                   fit ? WithTraining::yes : WithTraining::no);
  if (!ranks.is_root()) return 0;
  if (predictor.confidence) predictor.confidence->add_to(predictor.runs, scored);
  Evaluation evaluation = at_thresholds(predictor, *data.front(), scored);
  if (options.novelty_scores) {
    for (const Level level : predictor.models.levels()) {
      evaluation.levels.push_back(
          make_level_report(level_groups(run, *data.front(), scored, predictor.decision, level),
                            fit ? members_of(predictor, data, scored, level) : std::vector<LevelMember>{},
                            static_cast<std::uint64_t>(run.config.seed)));
    }
  }
  const Json json = to_json(evaluation);
  if (options.print == ResultForm::text) print_now(stdout, text_of(evaluation));
  if (options.print != ResultForm::none)
    warn_of_strict_thresholds(evaluation, predictor.models.levels(), predictor.decision.joint.has_value());
  write_json(run.folder() / "evaluation.json", json);
  if (options.print == ResultForm::json) print_json(json);
  return 0;
}

}  // namespace

int evaluate(const EvaluateOptions& options) {
  return on_ranks(options.runtime, [&](Communicator& ranks) { return evaluate_on(ranks, options); });
}

}  // namespace tern
