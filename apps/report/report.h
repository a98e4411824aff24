// tern report: one HTML file about one or several runs that a browser shows without a network: curves,
// confusions, thresholds to move, mistakes to look at.
//
// The models of each run are scored once on validation and held-out images; the page holds class, answer and
// confidence of every image, so that moving tau recounts every rate where it is read.
#pragma once

#include <filesystem>
#include <vector>

#include "apps/common/runtime.h"
#include "apps/measure/answers.h"

namespace tern {

struct ReportOptions {
  std::vector<std::filesystem::path> runs;
  std::filesystem::path out;
  DecisionOptions decision;  ///< where the sliders stand at first
  DataFolders folders;       ///< empty: where each run found its images
  bool nearest = true;       ///< the nearest training images beside pictures, for which those are scored
  RuntimeOptions runtime;
};

/// Writes options.out. Returns 0; throws Error on failure, also for a run that is named twice, and for an
/// output that is a file of a run.
int report(const ReportOptions& options);

}  // namespace tern
