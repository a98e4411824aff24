// One row of a study with one seed: its runs trained, calibrated, measured, used for predictions. Everything
// that is done is kept on the disk and not done again, so that a study that was interrupted goes on.
//
//   ROW/seed-N/result.json      taus, what each run measured, the estimates; made last
//   ROW/seed-N/predictions.csv  of the images to be predicted, if there are any
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "apps/common/runtime.h"
#include "apps/measure/ensemble.h"
#include "apps/run/study_data.h"
#include "apps/study/runs.h"
#include "engine/io/json.h"

namespace tern {

struct RowOptions {
  DataFolders folders;
  std::filesystem::path images;  ///< to be predicted; empty: none
  RuntimeOptions runtime;
  TestMix mix;
  ScoreMemo* memo = nullptr;  ///< of this study, see apps/measure/ensemble.h
  /// Told of each training that is about to begin, and the run that it is for.
  std::function<void(const StudyRun&, const Training&)> before_training;
};

/// Whether the training is there and whole. Throws Error naming the setting, or the weights, if it was begun with others.
bool is_trained(const Training& training);

/// Does what is missing and what no other process is at: each training is kept to one process by the lock of its folder, and
/// so are, while they are measured, all those of a row. Returns the content of result.json, or nothing where others are at work
/// on a part of it. Throws Error{row and run, ...}.
std::optional<Json> complete_row(const RowRuns& runs, const RowOptions& options);

}  // namespace tern
