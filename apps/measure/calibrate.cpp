#include "apps/measure/calibrate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/measure/level_groups.h"
#include "engine/core/check.h"
#include "engine/metrics/distribution.h"
#include "engine/metrics/thresholds.h"

namespace tern {
namespace {

/// The images of one kind.
struct Group {
  std::string name;
  std::vector<float> confidences;     ///< 0 where the answer is novel whatever tau is
  std::vector<float> largest;         ///< probabilities, whatever the class: the reference's
  std::vector<std::uint8_t> correct;  ///< 1: the class is right
  std::vector<std::uint8_t> half;     ///< 1: for calibration, 0: for the test
};

Group group_of(const char* name, const LevelGroups& level, const LevelRows& rows, std::uint64_t seed,
               std::uint32_t number) {
  if (rows.count() == 0) return {name, {}, {}, {}, {}};
  // Masked logits have probability 0: nothing is left to mask.
  const MostProbable answers = most_probable(rows.logits, static_cast<std::int32_t>(rows.class_count));
  Group group{name, {}, answers.probabilities, {}, random_half(rows.count(), seed, number)};
  for (std::size_t i = 0; i < answers.classes.size(); ++i) {
    const float probability = answers.probabilities[i];
    if (!(probability >= 0)) {
      throw Error(fmt::format("{} level", name_of(level.level)), "numbers for logits",
                  fmt::format("NaN ({})", name));
    }
    group.confidences.push_back(answers.classes[i] == level.novel ? 0 : probability);
    group.correct.push_back(answers.classes[i] == rows.labels[i]);
  }
  return group;
}

struct LevelCalibration {
  Level level = Level::super;
  Group seen, near, far, far_held_out;

  /// What thresholds are calibrated with: images of kinds never trained on, if there are any.
  const Group& novel() const {
    if (!near.confidences.empty()) return near;
    return far_held_out.confidences.empty() ? far : far_held_out;
  }
  std::vector<const Group*> groups() const {
    std::vector<const Group*> present;
    for (const Group* group : {&seen, &near, &far, &far_held_out}) {
      if (!group->confidences.empty()) present.push_back(group);
    }
    return present;
  }
};

std::vector<float> half_of(const Group& group, std::uint8_t which) {
  std::vector<float> values;
  for (std::size_t i = 0; i < group.half.size(); ++i) {
    if (group.half[i] == which) values.push_back(group.confidences[i]);
  }
  return values;
}

ConfidenceGroups half_of(const LevelCalibration& level, const Group& novel, std::uint8_t which) {
  ConfidenceGroups groups{half_of(level.seen, which), {}, half_of(novel, which)};
  for (std::size_t i = 0; i < level.seen.half.size(); ++i) {
    if (level.seen.half[i] == which) groups.seen_correct.push_back(level.seen.correct[i]);
  }
  return groups;
}

/// What the reference looks at: all images, the largest probability of any class, CIFAR images among the seen
/// ones of the subclass level.
ConfidenceGroups reference_groups(const LevelCalibration& level) {
  ConfidenceGroups groups{level.seen.largest, {}, level.far.largest};
  if (level.level == Level::sub) {
    groups.seen.insert(groups.seen.end(), level.far.largest.begin(), level.far.largest.end());
    groups.novel = level.near.largest;
  }
  groups.seen_correct.resize(groups.seen.size(), 1);
  return groups;
}

Json distribution_json(std::span<const float> values) {
  const Distribution d = describe(values);
  Json json = {{"images", d.count}, {"mean", d.mean}, {"deviation", d.deviation}};
  for (std::size_t i = 0; i < d.percentiles.size(); ++i) {
    json["percentiles"][fmt::format("p{}", Distribution::kPercents[i])] = d.percentiles[i];
  }
  return json;
}

void add_rate(Json& json, const char* name, Percent value) {
  if (value) json[name] = *value;
}

/// On one half: those of the seen images, and of each kind of novel ones.
Json rates_json(const LevelCalibration& level, double tau, std::uint8_t which) {
  Json json;
  const ThresholdRates rates = rates_at(half_of(level, level.novel(), which), tau);
  add_rate(json, "seen_kept_percent", rates.seen_kept);
  add_rate(json, "seen_right_percent", rates.seen_right);
  for (const Group* group : {&level.near, &level.far, &level.far_held_out}) {
    add_rate(json, (group->name + "_found_percent").c_str(),
             rates_at(half_of(level, *group, which), tau).novel_found);
  }
  add_rate(json, "harmonic_mean_percent", rates.harmonic_mean);
  return json;
}

Json candidates_json(const LevelCalibration& level, double target_rate) {
  Json json = Json::array();
  for (const ThresholdCandidate& candidate :
       threshold_candidates(half_of(level, level.novel(), 1), level.level == Level::super, target_rate)) {
    json.push_back({{"rule", candidate.name},
                    {"tau", candidate.tau},
                    {"of_reference", candidate.of_reference},
                    {"calibration_half", rates_json(level, candidate.tau, 1)},
                    {"test_half", rates_json(level, candidate.tau, 0)}});
  }
  return json;
}

Json reference_json(const LevelCalibration& level) {
  const ConfidenceGroups groups = reference_groups(level);
  Json json = {{"seen", distribution_json(groups.seen)}};
  if (!groups.novel.empty()) json["novel"] = distribution_json(groups.novel);
  for (const ThresholdCandidate& candidate : threshold_candidates(groups, level.level == Level::super)) {
    if (candidate.of_reference)
      json["candidates"].push_back({{"rule", candidate.name}, {"tau", candidate.tau}});
  }
  return json;
}

constexpr int kHistogramBins = 30;  // the reference's

Json level_json(const LevelCalibration& level, double target_rate) {
  Json json;
  for (const Group* group : level.groups()) {
    json["groups"][group->name] = distribution_json(group->confidences);
    json["histogram_images_of_30_bins"][group->name] = histogram(group->confidences, kHistogramBins, 0, 1);
  }
  const bool has_novel = !level.novel().confidences.empty();
  json["calibrated_with"] = has_novel ? level.novel().name : "seen images alone";
  json["candidates"] = candidates_json(level, target_rate);
  json["reference"] = reference_json(level);
  return json;
}

std::string percent_text(const Json& rates, const char* name) {
  return rates.contains(name) ? fmt::format("{:.2f} %", rates[name].get<double>()) : "-";
}

std::string level_text(const LevelCalibration& level, const Json& json) {
  std::string text =
      fmt::format("\n{} level: confidence{:>10} {:>7} {:>7}", name_of(level.level), "images", "mean", "dev");
  for (const int percent : Distribution::kPercents)
    text += fmt::format(" {:>6}", fmt::format("p{}", percent));
  text += "\n";
  std::vector<std::pair<std::string, std::span<const float>>> bars;
  for (const Group* group : level.groups()) {
    const Distribution d = describe(group->confidences);
    text += fmt::format("  {:<20} {:>8} {:>7.3f} {:>7.3f}", group->name, d.count, d.mean, d.deviation);
    for (const double value : d.percentiles) text += fmt::format(" {:>6.3f}", value);
    text += "\n";
    bars.push_back({group->name, group->confidences});
  }
  text += "  (the largest probability; 0 where the most probable class is the novel one, whatever tau)\n";
  text += histogram_text(bars, 20);
  text +=
      fmt::format("  {:<22} {:>8} {:>11} {:>11} {:>11} {:>11} {:>14} {:>11}   on the test half\n", "rule",
                  "tau", "seen kept", "seen right", "near found", "far found", "far held out", "harmonic");
  for (const Json& candidate : json.at("candidates")) {
    const Json& rates = candidate.at("test_half");
    text += fmt::format(
        "  {:<22} {:>8.5f}",
        candidate.at("rule").get<std::string>() + (candidate.at("of_reference").get<bool>() ? " *" : ""),
        candidate.at("tau").get<double>());
    text += fmt::format(" {:>11} {:>11} {:>11} {:>11} {:>14} {:>11}\n",
                        percent_text(rates, "seen_kept_percent"), percent_text(rates, "seen_right_percent"),
                        percent_text(rates, "near_found_percent"), percent_text(rates, "far_found_percent"),
                        percent_text(rates, "far_held_out_found_percent"),
                        percent_text(rates, "harmonic_mean_percent"));
  }
  text += "  as the reference computes them, on all images:";
  for (const Json& candidate : json.at("reference").at("candidates")) {
    text +=
        fmt::format(" {} {:.5f}", candidate.at("rule").get<std::string>(), candidate.at("tau").get<double>());
  }
  return text + "\n";
}

LevelCalibration calibration_of(const LevelGroups& groups, std::uint64_t seed) {
  const auto first = 10 * (static_cast<std::uint32_t>(groups.level) + 1);
  return {groups.level, group_of("seen", groups, groups.seen, seed, first),
          group_of("near", groups, groups.near, seed, first + 1),
          group_of("far", groups, groups.far, seed, first + 2),
          group_of("far_held_out", groups, groups.far_held_out, seed, first + 3)};
}

void check_groups(const Run& run, const LevelCalibration& level) {
  if (level.seen.confidences.size() < 2) {
    throw Error(run.folder().string(), "at least 2 validation images of known classes",
                std::to_string(level.seen.confidences.size()));
  }
  if (level.novel().confidences.size() == 1) {
    throw Error(run.folder().string(), "at least 2 " + level.novel().name + " novel images, for two halves",
                "1");
  }
}

/// Throws Json::exception where `json` is not what calibrate() writes.
double tau_of_rule(const std::filesystem::path& file, const Json& json, Level level,
                   const std::string& rule) {
  const std::string where = fmt::format("{} {}", file.string(), name_of(level));
  std::vector<std::string> rules;
  for (const Json& candidate : json.at(name_of(level)).at("candidates")) {
    rules.push_back(candidate.at("rule").get<std::string>());
    if (rules.back() != rule) continue;
    const auto tau = candidate.at("tau").get<double>();
    if (!(tau >= 0 && tau <= 1)) throw Error(where + " " + rule, "a tau in [0, 1]", fmt::format("{}", tau));
    if (tau == 0)
      fmt::print("note: the tau of {} is 0 at the {} level: it calls nothing novel\n", rule, name_of(level));
    return tau;
  }
  throw Error("--tau-rule", fmt::format("one of {} ({})", fmt::join(rules, ", "), where), rule);
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
    const LevelCalibration calibration =
        calibration_of(level_groups(run, data, scored, decision, level), options.seed);
    check_groups(run, calibration);
    json[name_of(level)] = level_json(calibration, options.target_rate);
    text += level_text(calibration, json[name_of(level)]);
  }
  if (options.print)
    fmt::print("{}\n* a rule of the reference; tern evaluate and tern predict take --tau-rule RULE\n", text);
  write_json(run.folder() / "calibration.json", json);
  return 0;
}

DecisionOptions with_calibrated_taus(const Run& run, DecisionOptions options) {
  if (options.tau_rule.empty()) return options;
  const std::filesystem::path file = run.folder() / "calibration.json";
  if (!std::filesystem::exists(file)) {
    throw Error(file.string(), "thresholds for --tau-rule (made by tern calibrate)", "no file");
  }
  const Json json = read_json(file);
  try {
    for (const Part part : parts_of(run.config)) {
      if (has_level(part, Level::super) && !options.tau.super)
        options.tau.super = tau_of_rule(file, json, Level::super, options.tau_rule);
      if (has_level(part, Level::sub) && !options.tau.sub)
        options.tau.sub = tau_of_rule(file, json, Level::sub, options.tau_rule);
    }
  } catch (const Json::exception&) {
    throw Error(file.string(), "what tern calibrate writes", "other JSON");
  }
  return options;
}

}  // namespace tern
