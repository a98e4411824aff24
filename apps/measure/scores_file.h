// RUN/scores.safetensors: the fitted novelty scores that decide for a run, or for an ensemble whose first run it is.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/measure/novelty_confidence.h"

namespace tern {

std::filesystem::path scores_file(const Run& run);

/// Writes the file of runs.front(). `views`: the text of --views.
void write_scores(const NoveltyConfidence& confidence, const std::vector<Run>& runs, EnsembleModels& models,
                  const std::string& views);

/// What the file of runs.front() decides by; none for levels of the largest probability, and if there is no file. From
/// its header alone.
ByLevel<ScoreChoice> calibrated_scores(const Run& run);

/// None if every level is left to the largest probability: for want of a file, or because `asked` says so. `asked`: of
/// --score; the file's choice where it says nothing. Throws Error{file, ...} where the file is not of these runs in this
/// order, these views, the models as they are now, or the scores asked for; or is no such file.
std::optional<NoveltyConfidence> read_scores(const std::vector<Run>& runs, EnsembleModels& models,
                                             const std::string& views,
                                             const ByLevel<std::optional<ScoreChoice>>& asked);

}  // namespace tern
