// tern calibrate: where to put tau, below which an answer becomes "novel" (choose_thresholds.h). Per level:
// what the confidences of seen images, of held-out subclasses (near), of CIFAR images (far) and of a
// superclass that was never trained on (far held out) look like, and a threshold for each rule.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/runtime.h"
#include "apps/measure/ensemble.h"
#include "apps/measure/test_mix.h"
#include "apps/run/study_data.h"

namespace tern {

struct CalibrateOptions {
  std::vector<std::filesystem::path> runs;  ///< several answer together
  std::string views;                        ///< of parse_views()
  std::vector<std::string> scores;          ///< of parse_scores(); a level left out: as calibrated before
  /// Whose thresholds decide where a novelty score does (level_texts.h); a level left out: default_rule()'s.
  std::vector<std::string> rules;
  bool per_class = false;  ///< those rules' taus by class, as far as a class has images
  std::int64_t outliers =
      0;  ///< images made to stand for novel superclasses (data/outliers.h), in place of CIFAR's
  std::optional<TestMix> mix;          ///< what the images to be predicted are
  std::optional<bool> mask_untrained;  ///< by default as in the run's settings
  std::uint64_t seed = 42;             ///< of the halves
  double target_rate = 0.95;           ///< of seen images to keep, and of novel ones to find
  DataFolders folders;                 ///< empty: where the run found its images
  ResultForm print = ResultForm::text;
  RuntimeOptions runtime;
  ScoreMemo* memo = nullptr;  ///< see EnsembleModels
};

/// The best in the mix, or without one the target rate of seen images kept.
const char* default_rule(const CalibrateOptions& options);

/// Prints distributions, histograms and thresholds, and writes RUN/calibration.json of the first run, which is also what it
/// prints as JSON; with it RUN/scores.safetensors, which novelty scores decide by from then on, or removes the one there
/// was. Without novel images the rules that need none are left. Returns 0; throws Error on failure.
int calibrate(const CalibrateOptions& options);

}  // namespace tern
