// RUN/calibration.json: what tern calibrate found, and what the other commands take from it.
#pragma once

#include <filesystem>
#include <vector>

#include "apps/measure/answers.h"
#include "apps/measure/choose_thresholds.h"
#include "engine/io/json.h"

namespace tern {

std::filesystem::path calibration_file(const Run& run);

/// A level's entry.
Json to_json(const LevelThresholds& thresholds);

/// The thresholds of a level; none if there is no file, or no such level in it. Throws Error{file, ...} for
/// what tern calibrate does not write.
std::vector<ThresholdCandidate> read_candidates(const Run& run, Level level);

/// `options` with the taus that options.tau_rule names, where they are not given themselves. Throws
/// Error{file, ...} if the file is missing or has no such rule for any level.
DecisionOptions with_calibrated_taus(const Run& run, DecisionOptions options);

}  // namespace tern
