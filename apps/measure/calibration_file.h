// RUN/calibration.json: what tern calibrate found, and what the other commands take from it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/measure/answers.h"
#include "apps/measure/choose_thresholds.h"
#include "apps/measure/score_choice.h"
#include "engine/io/json.h"

namespace tern {

std::filesystem::path calibration_file(const Run& run);

/// The epoch that each of the run's models is of, by the model's name: after further training they are others.
Json epochs_of(const Run& run);

/// Whether the file is of these runs in this order, `run` the first one, as their models are now, and of these views (the text of
/// --views).
bool is_calibration_of(const Run& run, const std::vector<std::filesystem::path>& runs,
                       const std::string& views);

/// A level's entry.
Json to_json(const LevelThresholds& thresholds);

/// The thresholds of a level; none if there is no file, or no such level in it, or they are of another score than
/// `choice`, or of models that were trained further since. Throws Error{file, ...} for what tern calibrate does not write.
std::vector<ThresholdCandidate> read_candidates(const Run& run, Level level, const ScoreChoice& choice);

/// `options` with the taus of the file where they are not given themselves: those of options.tau_rules, or, at a level
/// that a novelty score decides, of the rule that was calibrated for. A rule for both levels that one of them lacks for
/// want of novel images: there kRuleOfSeen's, which a note says. Throws Error{file, ...} if the file is missing, has
/// no such rule, or its thresholds are of other scores than `choices` or of models that were trained further since.
DecisionOptions with_calibrated_taus(const Run& run, DecisionOptions options,
                                     const ByLevel<ScoreChoice>& choices = {});

/// What options and file decide by, taus by class and probabilities for joint answers included. Throws as
/// with_calibrated_taus, and Error{file, ...} where joint answers are asked for and a level has no probabilities.
Decision calibrated_decision(const Run& run, const DecisionOptions& options,
                             const ByLevel<ScoreChoice>& choices = {});

/// Of each level the confidences of known images that were not trained on; empty for a level, or a file, that has none
/// of the score `choices`, and of models as they are now.
ByLevel<std::vector<double>> held_out_confidences(const Run& run, const ByLevel<ScoreChoice>& choices);

}  // namespace tern
