#include "apps/measure/calibration_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "apps/common/console.h"
#include "apps/common/level_words.h"
#include "apps/measure/level_texts.h"
#include "engine/core/check.h"
#include "engine/io/safetensors.h"

namespace tern {
namespace {

Json distribution_json(const Distribution& distribution) {
  Json json = {
      {"images", distribution.count}, {"mean", distribution.mean}, {"deviation", distribution.deviation}};
  for (std::size_t i = 0; i < distribution.percentiles.size(); ++i) {
    json["percentiles"][fmt::format("p{}", Distribution::kPercents[i])] = distribution.percentiles[i];
  }
  return json;
}

Json rates_json(const HalfRates& rates) {
  Json json;
  const auto add = [&json](const char* name, Percent value) {
    if (value) json[name] = *value;
  };
  add("seen_kept_percent", rates.seen_kept);
  add("seen_right_percent", rates.seen_right);
  add("near_found_percent", rates.near_found);
  add("far_found_percent", rates.far_found);
  add("far_held_out_found_percent", rates.far_held_out_found);
  add("made_found_percent", rates.made_found);
  add("harmonic_mean_percent", rates.harmonic_mean);
  add("expected_accuracy_percent", rates.expected_accuracy);
  return json;
}

Json reference_json(const ReferenceThresholds& reference) {
  Json json = {{"seen", distribution_json(reference.seen)}};
  if (reference.novel) json["novel"] = distribution_json(*reference.novel);
  for (const ThresholdCandidate& candidate : reference.candidates) {
    json["candidates"].push_back({{"rule", candidate.name}, {"tau", candidate.tau}});
  }
  return json;
}

Error not_of_calibrate(const std::filesystem::path& file) {
  return {file.string(), "what tern calibrate writes", "other JSON: tern calibrate writes it anew"};
}

/// A damaged one is lost, and soon made anew.
Json read_calibration(const std::filesystem::path& file) {
  try {
    return read_json(file);
  } catch (const Error& error) {
    throw Error(error.what(), "tern calibrate writes it anew");
  }
}

/// Whether it was made with the models as they are now; files of before this was noted are taken at their word.
bool is_of_models(const Json& calibration, const Run& run) {
  const Json settings = calibration.is_object() ? calibration.value("settings", Json::object()) : Json();
  return !settings.is_object() || !settings.contains("epochs") || settings.at("epochs") == epochs_of(run);
}

void check_models(const std::filesystem::path& file, const Json& calibration, const Run& run) {
  if (is_of_models(calibration, run)) return;
  throw Error(file.string(), "a calibration of this run's models as they are now (tern calibrate)",
              "one of before they were trained further");
}

/// What the thresholds of a level are of; files of before there was a choice are of the largest probability.
std::string score_of(const Json& calibration, Level level) {
  const Json settings = calibration.value("settings", Json::object());
  return settings.contains("score") ? settings.at("score").at(name_of(level)).get<std::string>()
                                    : kPlainScore;
}

/// Whose thresholds decide at a level, unless another is asked for.
std::string rule_of(const Json& calibration, Level level) {
  const Json& rule =
      calibration.at("settings").at("rule");  // before each level had its own, one text for both
  return (rule.is_object() ? rule.at(name_of(level)) : rule).get<std::string>();
}

bool has_rule(const Json& calibration, Level level, const std::string& rule) {
  if (!calibration.contains(name_of(level))) return false;
  const Json& candidates = calibration.at(name_of(level)).at("candidates");
  return std::any_of(candidates.begin(), candidates.end(),
                     [&](const Json& candidate) { return candidate.at("rule") == rule; });
}

/// The rule whose tau a level takes from the file; none where it takes its tau from elsewhere. A level that was calibrated
/// without novel images lacks some rules: where one of those is asked for both levels and the other has it, kRuleOfSeen
/// stands in.
std::optional<std::string> rule_at(const Run& run, const Json& calibration, Level level,
                                   const DecisionOptions& options, const ScoreChoice& choice) {
  if (options.tau[level]) return std::nullopt;
  const bool one_level = run.classes().has_one_level(), by_score = !choice.terms.empty();
  const std::optional<std::string> asked = texts_by_level("--tau-rule", options.tau_rules, one_level)[level];
  if (!asked) return by_score ? std::optional(rule_of(calibration, level)) : std::nullopt;
  if (!is_for_both_levels(options.tau_rules) || has_rule(calibration, level, *asked)) return asked;
  // Nothing is there to be told from images of any class: people are not shown that level.
  if (one_level && level == Level::super && !by_score) return std::nullopt;
  const Level other = level == Level::super ? Level::sub : Level::super;
  return has_rule(calibration, other, *asked) ? kRuleOfSeen : *asked;
}

/// Throws Json::exception where `json` is not what calibrate() writes.
double tau_of_rule(const std::filesystem::path& file, const Json& json, Level level, const std::string& rule,
                   bool one_level) {
  const std::string where = fmt::format("{} {}", file.string(), level_word(level, one_level));
  std::vector<std::string> rules;
  for (const Json& candidate : json.at(name_of(level)).at("candidates")) {
    rules.push_back(candidate.at("rule").get<std::string>());
    if (rules.back() != rule) continue;
    const auto tau = candidate.at("tau").get<double>();
    if (!(tau >= 0 && tau <= 1)) throw Error(where + " " + rule, "a tau in [0, 1]", fmt::format("{}", tau));
    if (tau == 0)
      warn("note: the tau of {} is 0 at the {} level: it calls nothing novel\n", rule,
           level_word(level, one_level));
    return tau;
  }
  throw Error("--tau-rule", fmt::format("one of {} ({})", fmt::join(rules, ", "), where), rule);
}

std::vector<double> checked_taus(const std::filesystem::path& file, Level level, std::vector<double> taus,
                                 std::size_t classes) {
  const bool fit = taus.size() == classes &&
                   std::all_of(taus.begin(), taus.end(), [](double tau) { return tau >= 0 && tau <= 1; });
  if (fit) return taus;
  throw Error(fmt::format("{} {} class_taus", file.string(), name_of(level)),
              fmt::format("{} taus in [0, 1]", classes), "others");
}

NoveltyCalibration checked_calibration(const std::filesystem::path& file, Level level,
                                       const NoveltyCalibration& p) {
  const bool fits =
      p.deviation > 0 && p.novel_share > 0 && p.novel_share < 1 &&
      // Far beyond what is fitted, and small enough that no product overflows.
      std::max({std::abs(p.mean), p.deviation, std::abs(p.slope), std::abs(p.intercept)}) < 1e100;
  if (fits) return p;
  throw Error(fmt::format("{} {} probability", file.string(), name_of(level)),
              "a deviation over 0, a novel_share over 0 and under 1, and numbers under 1e100", "others");
}

/// Of both levels, for the mix that was calibrated for, or kinds in equal shares.
JointCalibration joint_calibration(const std::filesystem::path& file, const Json& json,
                                   const ByLevel<ScoreChoice>& choices, bool one_level) {
  JointCalibration joint;
  TestMix mix;
  if (!json.at("settings").contains("mix_percent")) {
    warn(
        "note: --joint takes known images, novel subclasses and novel superclasses for equally many, as {} "
        "was made without --mix; where most images are known, tern calibrate --mix says so\n",
        file.string());
  }
  if (json.at("settings").contains("mix_percent")) {
    const auto shares = json.at("settings").at("mix_percent").get<std::vector<double>>();
    if (shares.size() == 3) mix = {shares[0], shares[1], shares[2]};
  }
  for (const Level level : kLevels) {
    const Json of_level = json.value(name_of(level), Json::object());
    const std::string wanted = text_of(choices[level], level);
    if (!of_level.contains("probability") || score_of(json, level) != wanted) {
      const char* images = one_level && level == Level::super ? "images of none of the classes: --outliers N"
                                                              : "novel images of this level";
      throw Error(fmt::format("{} {}", file.string(), level_word(level, one_level)),
                  fmt::format("probabilities of {} for --joint (tern calibrate, with {})", wanted, images),
                  "none");
    }
    const Json& p = of_level.at("probability");
    const double share = level == Level::super ? mix.novel_superclass / 100 : mix.novel_share_within_known();
    joint[level] = checked_calibration(file, level,
                                       {p.at("mean").get<double>(), p.at("deviation").get<double>(),
                                        p.at("slope").get<double>(), p.at("intercept").get<double>(),
                                        p.at("novel_share").get<double>()})
                       .with_novel_share(std::clamp(share, 1e-6, 1 - 1e-6));
  }
  return joint;
}

}  // namespace

std::filesystem::path calibration_file(const Run& run) {
  return run.folder() / "calibration.json";
}

Json epochs_of(const Run& run) {
  Json epochs = Json::object();
  for (const Part part : parts_of(run.config)) {
    const std::filesystem::path file = run.best_model(part);
    Metadata metadata;
    if (std::filesystem::exists(file)) metadata = read_safetensors_header(file).metadata;
    epochs[name_of(part)] = metadata["epoch"];
  }
  return epochs;
}

bool is_calibration_of(const Run& run, const std::vector<std::filesystem::path>& runs,
                       const std::string& views) {
  const std::filesystem::path file = calibration_file(run);
  if (!std::filesystem::exists(file)) return false;
  const Json json = read_calibration(file);
  const Json settings = json.is_object() ? json.value("settings", Json::object()) : Json();
  if (!settings.is_object() || settings.value("views", Json("")) != views) return false;
  if (!is_of_models(json, run)) return false;
  if (!settings.contains("runs")) return runs.size() == 1;  // of before there were ensembles
  const Json& before = settings.at("runs");
  return std::equal(before.begin(), before.end(), runs.begin(), runs.end(),
                    [](const Json& one, const std::filesystem::path& other) {
                      return one == std::filesystem::weakly_canonical(other).string();
                    });
}

Json to_json(const LevelThresholds& thresholds) {
  static_assert(ConfidenceDistribution::kBins == 30);
  Json json;
  for (const ConfidenceDistribution& group : thresholds.groups) {
    json["groups"][group.name] = distribution_json(group.distribution);
    json["histogram_images_of_30_bins"][group.name] = group.histogram;
  }
  json["calibrated_with"] = thresholds.calibrated_with;
  json["candidates"] = Json::array();
  for (const auto& [candidate, calibration_half, test_half] : thresholds.candidates) {
    json["candidates"].push_back({{"rule", candidate.name},
                                  {"tau", candidate.tau},
                                  {"of_reference", is_rule_of_reference(candidate.name, thresholds.level)},
                                  {"calibration_half", rates_json(calibration_half)},
                                  {"test_half", rates_json(test_half)}});
  }
  json["reference"] = reference_json(thresholds.reference);
  if (!thresholds.class_taus.empty()) json["class_taus"] = thresholds.class_taus;
  json["held_out_confidences"] = thresholds.held_out;
  if (thresholds.probability) {
    const NoveltyCalibration& p = *thresholds.probability;
    json["probability"] = {{"mean", p.mean},
                           {"deviation", p.deviation},
                           {"slope", p.slope},
                           {"intercept", p.intercept},
                           {"novel_share", p.novel_share}};
  }
  return json;
}

std::vector<ThresholdCandidate> read_candidates(const Run& run, Level level, const ScoreChoice& choice) {
  const std::filesystem::path file = calibration_file(run);
  if (!std::filesystem::exists(file)) return {};
  const Json calibration = read_calibration(file);
  std::vector<ThresholdCandidate> candidates;
  if (!is_of_models(calibration, run)) return candidates;
  try {
    if (!calibration.contains(name_of(level)) || score_of(calibration, level) != text_of(choice, level))
      return {};
    for (const Json& candidate : calibration.at(name_of(level)).at("candidates")) {
      candidates.push_back({candidate.at("rule").get<std::string>(), candidate.at("tau").get<double>()});
    }
  } catch (const Json::exception&) {
    throw not_of_calibrate(file);
  }
  return candidates;
}

DecisionOptions with_calibrated_taus(const Run& run, DecisionOptions options,
                                     const ByLevel<ScoreChoice>& choices) {
  const std::filesystem::path file = calibration_file(run);
  const bool one_level = run.classes().has_one_level();
  const ByLevel<std::optional<std::string>> rules =
      texts_by_level("--tau-rule", options.tau_rules, one_level);
  ByLevel<std::optional<double>> taus = options.tau;
  Json json;
  const auto supply = [&](Level level) {
    const bool by_score = !choices[level].terms.empty();
    if (options.tau[level] || (!rules[level] && !by_score)) return;
    if (json.is_null()) {
      if (!std::filesystem::exists(file)) {
        throw Error(
            file.string(),
            fmt::format("thresholds for {} (made by tern calibrate)", by_score ? "--score" : "--tau-rule"),
            "no file");
      }
      json = read_calibration(file);
      check_models(file, json, run);
    }
    const std::optional<std::string> rule = rule_at(run, json, level, options, choices[level]);
    if (!rule) return;
    const std::string wanted = text_of(choices[level], level), score = score_of(json, level);
    if (score != wanted) {
      throw Error(fmt::format("{} {}", file.string(), level_word(level, one_level)),
                  fmt::format("thresholds of {} (tern calibrate --score {})", wanted, wanted),
                  "those of " + score);
    }
    taus[level] = tau_of_rule(file, json, level, *rule, one_level);
    if (rules[level] && *rules[level] != *rule) {
      warn("note: {} has no {} at the {} level, for want of novel images: {} stands in there, tau {:.6g}\n",
           file.string(), *rules[level], level_word(level, one_level), *rule, *taus[level]);
    }
  };
  try {
    for (const Part part : parts_of(run.config)) {
      for (const Level level : levels_of(part)) supply(level);
    }
  } catch (const Json::exception&) {
    throw not_of_calibrate(file);
  }
  options.tau = taus;
  return options;
}

Decision calibrated_decision(const Run& run, const DecisionOptions& options,
                             const ByLevel<ScoreChoice>& choices) {
  Decision decision = resolve_decision(run.config, with_calibrated_taus(run, options, choices));
  const std::filesystem::path file = calibration_file(run);
  if (!std::filesystem::exists(file)) {
    if (options.joint)
      throw Error(file.string(), "probabilities for --joint (made by tern calibrate)", "no file");
    return decision;
  }
  const Json json = read_calibration(file);
  try {
    for (const Level level : kLevels) {
      if (!json.contains(name_of(level)) || score_of(json, level) != text_of(choices[level], level)) continue;
      const Json& of_level = json.at(name_of(level));
      const std::optional<std::string> rule = rule_at(run, json, level, options, choices[level]);
      if (rule && of_level.contains("class_taus") && *rule == rule_of(json, level)) {
        decision.class_taus[level] = checked_taus(
            file, level, of_level.at("class_taus").get<std::vector<double>>(), run.trained(level).size());
      }
    }
    if (options.joint) check_models(file, json, run);
    if (options.joint) decision.joint = joint_calibration(file, json, choices, run.classes().has_one_level());
  } catch (const Json::exception&) {
    throw not_of_calibrate(file);
  }
  return decision;
}

ByLevel<std::vector<double>> held_out_confidences(const Run& run, const ByLevel<ScoreChoice>& choices) {
  const std::filesystem::path file = calibration_file(run);
  ByLevel<std::vector<double>> confidences;
  if (!std::filesystem::exists(file)) return confidences;
  const Json json = read_calibration(file);
  if (!is_of_models(json, run)) return confidences;
  try {
    for (const Level level : kLevels) {
      if (!json.contains(name_of(level)) || score_of(json, level) != text_of(choices[level], level)) continue;
      confidences[level] = json.at(name_of(level)).value("held_out_confidences", std::vector<double>());
    }
  } catch (const Json::exception&) {
    throw not_of_calibrate(file);
  }
  return confidences;
}

}  // namespace tern
