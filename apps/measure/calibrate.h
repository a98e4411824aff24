// tern calibrate: where to put tau, below which an answer becomes "novel". Per level: what the confidences of
// seen images, of held-out subclasses (near), of CIFAR images (far) and of a superclass that was never
// trained on (far held out) look like, and the thresholds that each rule of engine/metrics/thresholds.h makes
// of a random half of them, with their rates on the other half. Rules that need novel images take near ones,
// at the superclass level those held out, and far ones where there are no others.
//
// The confidence of an image is the largest probability, or 0 where the most probable class is the novel one:
// then no tau keeps it. The reference takes the largest probability whatever its class, on all images, and
// counts CIFAR images as seen where it looks at subclasses; its numbers stand beside, under "reference".
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "apps/common/runtime.h"
#include "apps/measure/answers.h"

namespace tern {

struct CalibrateOptions {
  std::filesystem::path run;
  std::optional<bool> mask_untrained;  ///< by default as in the run's settings
  std::uint64_t seed = 42;             ///< of the halves
  double target_rate = 0.95;           ///< of seen images to keep, and of novel ones to find
  DataFolders folders;                 ///< empty: where the run found its images
  bool print = true;
  RuntimeOptions runtime;
};

/// Prints distributions, histograms and thresholds, and writes RUN/calibration.json. Returns 0; throws Error
/// on failure, also for a run with neither held-out subclasses nor CIFAR images.
int calibrate(const CalibrateOptions& options);

/// `options` with the taus that options.tau_rule names, where they are not given themselves. Throws
/// Error{file, ...} if calibration.json is missing or has no such rule for any level.
DecisionOptions with_calibrated_taus(const Run& run, DecisionOptions options);

}  // namespace tern
