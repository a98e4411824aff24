// tern calibrate: where to put tau, below which an answer becomes "novel" (choose_thresholds.h). Per level:
// what the confidences of seen images, of held-out subclasses (near), of CIFAR images (far) and of a
// superclass that was never trained on (far held out) look like, and a threshold for each rule.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

#include "apps/common/runtime.h"
#include "apps/run/study_data.h"

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

}  // namespace tern
