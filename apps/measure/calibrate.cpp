#include "apps/measure/calibrate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/common/level_words.h"
#include "apps/common/ranks.h"
#include "apps/measure/calibration_file.h"
#include "apps/measure/choose_thresholds.h"
#include "apps/measure/level_texts.h"
#include "apps/measure/on_ranks.h"
#include "apps/measure/scores_file.h"
#include "engine/core/check.h"

namespace tern {
namespace {

std::string percent_text(Percent value) {
  return value ? fmt::format("{:.2f} %", *value) : "-";
}

std::string distributions_text(const LevelThresholds& thresholds, const std::string& score, bool one_level) {
  const std::string title = fmt::format("{} level: confidence", level_word(thresholds.level, one_level));
  std::string text = fmt::format("\n{:<22} {:>8} {:>7} {:>7}", title, "images", "mean", "dev");
  for (const int percent : Distribution::kPercents)
    text += fmt::format(" {:>6}", fmt::format("p{}", percent));
  text += "\n";
  std::vector<std::pair<std::string, std::span<const float>>> bars;
  for (const ConfidenceDistribution& group : thresholds.groups) {
    const Distribution& d = group.distribution;
    text += fmt::format("  {:<20} {:>8} {:>7.3f} {:>7.3f}", group.name, d.count, d.mean, d.deviation);
    for (const double value : d.percentiles) text += fmt::format(" {:>6.3f}", value);
    text += "\n";
    bars.push_back({group.name, group.confidences});
  }
  const std::string confidence =
      score == kPlainScore ? "the largest probability" : "of " + score + ": 0.5 for the average known image";
  text += fmt::format("  ({}; 0 where the most probable class is the novel one, whatever tau)\n", confidence);
  return text + histogram_text(bars, 20);
}

/// A line for each rule, with the rates of the half that was not calibrated with; those that there are images for.
std::string rules_text(const LevelThresholds& thresholds) {
  struct Column {
    const char* title;
    Percent HalfRates::*rate;
  };
  std::vector<Column> columns{{"seen kept", &HalfRates::seen_kept},
                              {"seen right", &HalfRates::seen_right},
                              {"near found", &HalfRates::near_found},
                              {"far found", &HalfRates::far_found},
                              {"far held out", &HalfRates::far_held_out_found},
                              {"made found", &HalfRates::made_found},
                              {"harmonic", &HalfRates::harmonic_mean},
                              {"right in mix", &HalfRates::expected_accuracy}};
  const std::vector<ChosenThreshold>& rules = thresholds.candidates;
  std::erase_if(columns, [&](const Column& column) {
    return std::none_of(rules.begin(), rules.end(),
                        [&](const ChosenThreshold& rule) { return rule.test_half.*column.rate; });
  });
  std::string text = fmt::format("  {:<24} {:>8}", "rule", "tau");
  for (const Column& column : columns) text += fmt::format(" {:>12}", column.title);
  text += "   on the test half\n";
  for (const auto& [candidate, calibration_half, rates] : rules) {
    const bool reference = is_rule_of_reference(candidate.name, thresholds.level);
    text += fmt::format("  {:<24} {:>8.5f}", candidate.name + (reference ? " *" : ""), candidate.tau);
    for (const Column& column : columns) text += fmt::format(" {:>12}", percent_text(rates.*column.rate));
    text += "\n";
  }
  return text;
}

/// Empty where there is nothing to tell: with one level of classes and no novel images, every image is of any class.
std::string thresholds_text(const LevelThresholds& thresholds, const std::string& score, bool one_level) {
  if (one_level && thresholds.level == Level::super && thresholds.groups.size() == 1) return "";
  std::string text = distributions_text(thresholds, score, one_level) + rules_text(thresholds);
  text += "  as the reference computes them, on all images:";
  for (const ThresholdCandidate& candidate : thresholds.reference.candidates) {
    text += fmt::format(" {} {:.5f}", candidate.name, candidate.tau);
  }
  return text + "\n";
}

/// What decides at each level: as asked, or as calibrated before.
ByLevel<ScoreChoice> choices_of(const CalibrateOptions& options, const Run& run,
                                const EnsembleModels& models) {
  const ByLevel<std::optional<ScoreChoice>> asked =
      parse_scores(options.scores, run.classes().has_one_level());
  ByLevel<ScoreChoice> choices;
  for (const Level level : models.levels()) {
    choices[level] = asked[level] ? *asked[level] : calibrated_scores(run)[level];
  }
  return choices;
}

std::vector<std::string> rules_of(const LevelThresholds& thresholds) {
  std::vector<std::string> names;
  for (const ChosenThreshold& chosen : thresholds.candidates) names.push_back(chosen.candidate.name);
  return names;
}

bool has_rule(const LevelThresholds& thresholds, const std::string& rule) {
  const std::vector<std::string> names = rules_of(thresholds);
  return std::find(names.begin(), names.end(), rule) != names.end();
}

/// A level's thresholds, and the rule whose one decides where a score does.
struct RuledThresholds {
  std::string rule;
  LevelThresholds thresholds;
};

class RuledLevels {
 public:
  /// Of the levels that there are.
  RuledLevels(const CalibrateOptions& options, const Run& run, const ByLevel<LevelGroups>& groups,
              std::vector<Level> levels)
      : options_(options),
        run_(run),
        groups_(groups),
        levels_(std::move(levels)),
        one_level_(run.classes().has_one_level()) {
    const ByLevel<std::optional<std::string>> rules = texts_by_level("--rule", options.rules, one_level_);
    for (const Level level : levels_) choose(level, rules[level].value_or(default_rule(options)));
  }

  const RuledThresholds& operator[](Level level) const { return ruled_[level]; }

  /// That the level has the rule that was asked for. One for both levels that this one lacks, for want of novel images:
  /// kRuleOfSeen stands in.
  void require_rule(Level level) {
    const std::string rule = ruled_[level].rule;
    if (has_rule(ruled_[level].thresholds, rule)) return;
    const bool elsewhere = std::any_of(levels_.begin(), levels_.end(), [&](Level other) {
      return ruled_[other].rule == rule && has_rule(ruled_[other].thresholds, rule);
    });
    const bool by_mix = options_.rules.empty();
    if (!elsewhere && by_mix) throw Error("--mix", "novel images to find thresholds for it with", "none");
    if (!elsewhere || !(by_mix || is_for_both_levels(options_.rules))) {
      throw Error(
          "--rule",
          fmt::format("one of {} at the {} level", fmt::join(rules_of(ruled_[level].thresholds), ", "),
                      level_word(level, one_level_)),
          rule);
    }
    choose(level, kRuleOfSeen);
    warn("note: no {} at the {} level, for want of novel images: {} decides there\n", rule,
         level_word(level, one_level_), kRuleOfSeen);
  }

 private:
  void choose(Level level, const std::string& rule) {
    const auto thresholds_with = [&](const std::string& by_class) {
      return choose_thresholds(run_.folder().string(), groups_[level],
                               {options_.seed, options_.target_rate, options_.mix, by_class});
    };
    ruled_[level] = {rule, thresholds_with("")};
    if (options_.per_class && has_rule(ruled_[level].thresholds, rule))
      ruled_[level].thresholds = thresholds_with(rule);
  }

  const CalibrateOptions& options_;
  const Run& run_;
  const ByLevel<LevelGroups>& groups_;
  std::vector<Level> levels_;
  bool one_level_;
  ByLevel<RuledThresholds> ruled_;
};

Json paths_json(const std::vector<std::filesystem::path>& paths) {
  Json json = Json::array();
  for (const std::filesystem::path& path : paths)
    json.push_back(std::filesystem::weakly_canonical(path).string());
  return json;
}

/// What the file says of how it was made, but for the levels.
Json settings_json(const CalibrateOptions& options, const Run& run, bool mask_untrained) {
  Json json = {{"mask_untrained_logits", mask_untrained},
               {"seed_of_halves", options.seed},
               {"target_rate", options.target_rate},
               {"runs", paths_json(options.runs)},
               {"epochs", epochs_of(run)},
               {"views", options.views},
               {"per_class", options.per_class},
               {"outliers", options.outliers}};
  if (options.mix) {
    json["mix_percent"] = {options.mix->seen, options.mix->novel_subclass, options.mix->novel_superclass};
  }
  return json;
}

/// Removes the scores of an earlier calibration: the largest probability decides again.
void remove_scores(const Run& run) {
  if (std::filesystem::remove(scores_file(run))) {
    remark("{} removed: the largest probability decides\n", scores_file(run).string());
  }
}

int calibrate_on(Communicator& ranks, const CalibrateOptions& options) {
  const std::vector<Run> runs = open_ensemble(options.runs);
  const Run& run = runs.front();
  const bool one_level = run.classes().has_one_level();
  check_rules("--rule", options.rules, one_level);
  const Device device = prepare_ranks(ranks, options.runtime, "a calibration");
  for (const Run& one : runs) warn("{}", one.unfinished_text());
  EnsembleModels models(runs, parse_views(options.views), device, options.memo);
  const ByLevel<ScoreChoice> choices = choices_of(options, run, models);
  const bool by_scores = !choices.super.terms.empty() || !choices.sub.terms.empty();
  const EnsembleData data = load_ensemble_data(runs, options.folders);
  check_alike(ranks, "the images and labels", data.front()->fingerprint);
  models.share_among(&ranks);
  DecisionOptions asked;
  asked.mask_untrained = options.mask_untrained;
  const Decision decision = resolve_decision(run.config, asked);
  ScoredParts scored = score_parts(models, data, by_scores, by_scores ? WithTraining::yes : WithTraining::no);
  if (options.outliers > 0)
    scored.made = score_outliers(models, data, options.outliers, options.seed, by_scores);
  if (!ranks.is_root()) return 0;
  std::optional<NoveltyConfidence> confidence;
  if (by_scores) {
    confidence = NoveltyConfidence::fit(choices, runs, models, data, scored, decision, options.seed);
    confidence->add_to(runs, scored);
  }
  ByLevel<LevelGroups> groups;
  for (const Level level : models.levels())
    groups[level] = level_groups(run, *data.front(), scored, decision, level);
  RuledLevels ruled(options, run, groups, models.levels());
  Json json = {{"settings", settings_json(options, run, decision.mask_untrained)}};
  std::string text;
  for (const Level level : models.levels()) {
    if (!choices[level].terms.empty() || options.per_class) ruled.require_rule(level);
    const auto& [rule, thresholds] = ruled[level];
    const std::string score = text_of(choices[level], level);
    json["settings"]["rule"][name_of(level)] = rule;
    json["settings"]["score"][name_of(level)] = score;
    json[name_of(level)] = to_json(thresholds);
    text += thresholds_text(thresholds, score, one_level);
  }
  if (options.print == ResultForm::text)
    print_now(stdout,
              text + "\n* a rule of the reference; tern evaluate and tern predict take --tau-rule RULE\n");
  if (confidence) {
    write_scores(*confidence, runs, models, options.views);
  } else {
    remove_scores(run);
  }
  write_json(calibration_file(run), json);
  if (options.print == ResultForm::json) print_json(json);
  return 0;
}

}  // namespace

const char* default_rule(const CalibrateOptions& options) {
  return options.mix ? "best_expected_accuracy" : "seen_target";
}

int calibrate(const CalibrateOptions& options) {
  return on_ranks(options.runtime, [&](Communicator& ranks) { return calibrate_on(ranks, options); });
}

}  // namespace tern
