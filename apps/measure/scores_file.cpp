#include "apps/measure/scores_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/common/level_words.h"
#include "apps/common/shell_word.h"
#include "engine/core/check.h"
#include "engine/io/json.h"
#include "engine/io/safetensors.h"

namespace tern {
namespace {

constexpr const char* kFormat = "tern novelty scores 1";

/// What a calibration holds for: the runs' models in their order.
std::string fingerprints(EnsembleModels& models) {
  std::string text;
  for (std::size_t i = 0; i < models.size(); ++i) {
    text += fmt::format("{}{:08x}", i == 0 ? "" : " ", models.member(i).fingerprint());
  }
  return text;
}

/// The command that makes the file.
std::string remedy(const std::vector<Run>& runs, const std::string& views, const std::string& score) {
  std::string text = "tern calibrate";
  for (const Run& run : runs) text += " --run " + shell_word(run.folder().string());
  if (!views.empty()) text += " --views " + views;
  return text + " --score " + score;
}

std::string text_of_both(const ByLevel<ScoreChoice>& choices, bool one_level) {
  if (one_level && choices.super.terms.empty()) return text_of(choices.sub, Level::sub);
  const std::string super = text_of(choices.super, Level::super), sub = text_of(choices.sub, Level::sub);
  return super == sub ? super : fmt::format("super={} --score sub={}", super, sub);
}

std::string metadata_at(const std::filesystem::path& file, const Metadata& metadata, const char* key) {
  const auto found = metadata.find(key);
  if (found == metadata.end())
    throw Error(file.string(), "what tern calibrate writes", "another safetensors file");
  return found->second;
}

ByLevel<ScoreChoice> choices_of(const std::filesystem::path& file, const Metadata& metadata) {
  if (metadata_at(file, metadata, "format") != kFormat) {
    throw Error(file.string(), std::string("the format ") + kFormat, metadata_at(file, metadata, "format"));
  }
  ByLevel<ScoreChoice> choices;
  for (const Level level : kLevels) {
    const std::string text = std::string(name_of(level)) + "=" + metadata_at(file, metadata, name_of(level));
    choices[level] = *parse_scores({text})[level];
  }
  return choices;
}

/// The numbers of one level's standards, for either direction.
void fields(auto& score, auto& state) {
  std::vector<double> means, deviations;
  for (const auto& of_runs : score.of_terms) {
    for (const NoveltyConfidence::Standard& one : of_runs) {
      means.push_back(one.mean);
      deviations.push_back(one.deviation);
    }
  }
  state("means", means, static_cast<std::int64_t>(means.size()));
  state("deviations", deviations, static_cast<std::int64_t>(means.size()));
  std::size_t i = 0;
  if constexpr (!std::is_const_v<std::remove_reference_t<decltype(score)>>) {
    for (auto& of_runs : score.of_terms) {
      for (NoveltyConfidence::Standard& one : of_runs) {
        one = {means[i], deviations[i]};
        ++i;
      }
    }
  }
  state("mean", score.of_sum.mean);
  state("deviation", score.of_sum.deviation);
  state("held_out", score.held_out);
}

NoveltyConfidence confidence_of(const SafetensorsFile& file, const ByLevel<ScoreChoice>& choices,
                                EnsembleModels& models, bool mask_untrained) {
  ByLevel<NoveltyConfidence::LevelScore> levels;
  NoveltyConfidence::Scorers scorers(models.size());
  for (const Level level : kLevels) {
    levels[level].choice = choices[level];
    if (!choices[level].terms.empty()) {
      levels[level].of_terms.assign(choices[level].terms.size(),
                                    std::vector<NoveltyConfidence::Standard>(models.size()));
      NoveltyStateReader state(file.tensors, std::string(name_of(level)) + ".");
      fields(levels[level], state);
    }
    const std::vector<std::string> names = names_of(choices, level);
    for (std::size_t run = 0; !names.empty() && run < models.size(); ++run) {
      const NoveltyStateReader state(file.tensors, fmt::format("run_{}.{}.", run, name_of(level)));
      scorers[run][level] = std::make_unique<NoveltyScorer>(state, names, models.member(run).head(level));
    }
  }
  return {std::move(levels), std::move(scorers), mask_untrained};
}

}  // namespace

std::filesystem::path scores_file(const Run& run) {
  return run.folder() / "scores.safetensors";
}

void write_scores(const NoveltyConfidence& confidence, const std::vector<Run>& runs, EnsembleModels& models,
                  const std::string& views) {
  StateDict tensors;
  for (const Level level : kLevels) {
    if (confidence.level(level).choice.terms.empty()) continue;
    NoveltyStateWriter state(tensors, std::string(name_of(level)) + ".");
    fields(confidence.level(level), state);
  }
  for (std::size_t run = 0; run < runs.size(); ++run) {
    for (const Level level : kLevels) {
      const auto& scorer = confidence.scorers()[run][level];
      if (scorer) scorer->write(NoveltyStateWriter(tensors, fmt::format("run_{}.{}.", run, name_of(level))));
    }
  }
  const ByLevel<ScoreChoice> choices = confidence.choices();
  write_safetensors(scores_file(runs.front()), tensors,
                    {{"format", kFormat},
                     {"super", text_of(choices.super, Level::super)},
                     {"sub", text_of(choices.sub, Level::sub)},
                     {"models", fingerprints(models)},
                     {"views", views},
                     {"mask_untrained", confidence.mask_untrained() ? "true" : "false"}});
}

ByLevel<ScoreChoice> calibrated_scores(const Run& run) {
  const std::filesystem::path file = scores_file(run);
  if (!std::filesystem::exists(file)) return {};
  return choices_of(file, read_safetensors_header(file).metadata);
}

std::optional<NoveltyConfidence> read_scores(const std::vector<Run>& runs, EnsembleModels& models,
                                             const std::string& views,
                                             const ByLevel<std::optional<ScoreChoice>>& asked) {
  const std::filesystem::path file = scores_file(runs.front());
  const ByLevel<ScoreChoice> calibrated = calibrated_scores(runs.front());
  ByLevel<ScoreChoice> wanted;
  for (const Level level : kLevels) {
    if (models.has(level)) wanted[level] = asked[level].value_or(calibrated[level]);
  }
  if (wanted.super.terms.empty() && wanted.sub.terms.empty()) return std::nullopt;
  const std::string command =
      remedy(runs, views, text_of_both(wanted, runs.front().classes().has_one_level()));
  for (const Level level : kLevels) {
    if (wanted[level].terms.empty() || wanted[level] == calibrated[level]) continue;
    const std::string got =
        std::filesystem::exists(file) ? "one of " + text_of(calibrated[level], level) : "none";
    throw Error(file.string(),
                fmt::format("a calibration of {} at the {} level ({})", text_of(wanted[level], level),
                            level_word(level, runs.front().classes().has_one_level()), command),
                got);
  }
  const SafetensorsFile contents = read_safetensors(file);
  const std::string views_then = metadata_at(file, contents.metadata, "views");
  if (views_then != views) {
    const auto text = [](const std::string& value) { return value.empty() ? std::string("none") : value; };
    throw Error(file.string(), fmt::format("a calibration with --views {} ({})", text(views), command),
                text(views_then));
  }
  if (metadata_at(file, contents.metadata, "models") != fingerprints(models)) {
    throw Error(
        file.string(),
        fmt::format("a calibration of {} as {} now ({})",
                    runs.size() == 1 ? "this run's models" : "these runs' models", "they are", command),
        "one of other models, or of before they were trained further");
  }
  try {
    return confidence_of(contents, wanted, models,
                         metadata_at(file, contents.metadata, "mask_untrained") == "true");
  } catch (const Error& error) {
    throw Error(file.string(), error.what());
  }
}

}  // namespace tern
