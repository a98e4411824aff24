#include "apps/measure/calibrate.h"

#include <fmt/format.h>

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "apps/measure/calibration_file.h"
#include "apps/measure/choose_thresholds.h"
#include "engine/core/check.h"

namespace tern {
namespace {

std::string percent_text(Percent value) {
  return value ? fmt::format("{:.2f} %", *value) : "-";
}

std::string distributions_text(const LevelThresholds& thresholds) {
  std::string text = fmt::format("\n{} level: confidence{:>10} {:>7} {:>7}", name_of(thresholds.level),
                                 "images", "mean", "dev");
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
  text += "  (the largest probability; 0 where the most probable class is the novel one, whatever tau)\n";
  return text + histogram_text(bars, 20);
}

std::string thresholds_text(const LevelThresholds& thresholds) {
  std::string text = distributions_text(thresholds);
  text +=
      fmt::format("  {:<22} {:>8} {:>11} {:>11} {:>11} {:>11} {:>14} {:>11}   on the test half\n", "rule",
                  "tau", "seen kept", "seen right", "near found", "far found", "far held out", "harmonic");
  for (const auto& [candidate, calibration_half, rates] : thresholds.candidates) {
    text += fmt::format("  {:<22} {:>8.5f}",
                        candidate.name + (is_rule_of_reference(candidate.name, thresholds.level) ? " *" : ""),
                        candidate.tau);
    text += fmt::format(" {:>11} {:>11} {:>11} {:>11} {:>14} {:>11}\n", percent_text(rates.seen_kept),
                        percent_text(rates.seen_right), percent_text(rates.near_found),
                        percent_text(rates.far_found), percent_text(rates.far_held_out_found),
                        percent_text(rates.harmonic_mean));
  }
  text += "  as the reference computes them, on all images:";
  for (const ThresholdCandidate& candidate : thresholds.reference.candidates) {
    text += fmt::format(" {} {:.5f}", candidate.name, candidate.tau);
  }
  return text + "\n";
}

}  // namespace

int calibrate(const CalibrateOptions& options) {
  const Device device = prepare_runtime(options.runtime);
  const Run run = Run::open(options.run);
  fmt::print("{}", run.unfinished_text());
  StudyModels models(run, device);
  const StudyData data = load_run_data(run, options.folders);
  const Split& split = data.split;
  if (split.pseudo_novel.size() + split.pseudo_novel_super.size() == 0 &&
      data.count_extra(split.validation) == 0) {
    throw Error(run.folder().string(), "held-out subclasses or CIFAR images to calibrate with",
                "a run with neither");
  }
  DecisionOptions asked;
  asked.mask_untrained = options.mask_untrained;
  const Decision decision = resolve_decision(run.config, asked);
  const ScoredParts scored = score_parts(models, data, false);
  Json json = {{"settings",
                {{"mask_untrained_logits", decision.mask_untrained},
                 {"seed_of_halves", options.seed},
                 {"target_rate", options.target_rate}}}};
  std::string text;
  for (const Level level : models.levels()) {
    const LevelThresholds thresholds =
        choose_thresholds(run.folder().string(), level_groups(run, data, scored, decision, level),
                          options.seed, options.target_rate);
    json[name_of(level)] = to_json(thresholds);
    text += thresholds_text(thresholds);
  }
  if (options.print)
    fmt::print("{}\n* a rule of the reference; tern evaluate and tern predict take --tau-rule RULE\n", text);
  write_json(calibration_file(run), json);
  return 0;
}

}  // namespace tern
