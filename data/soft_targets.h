// Targets as distributions over the classes, for losses that a class's index cannot say: mixed images
// (data/mixup.h) and outlier exposure (Hendrycks et al., "Deep Anomaly Detection with Outlier Exposure", 2019).
//
// With outlier exposure the novel class is no class that is learned. Its images are outliers, whose target is uniform
// over the known classes:
//
//   loss = mean over known images of CE(target) + outlier_weight * mean over outliers of CE(uniform)
//
// A batch's loss is the mean over its n rows of -sum_c t_rc log p_rc, so the rows of known images are multiplied by
// n / (known images), those of outliers by outlier_weight * n / outliers.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "data/levels.h"
#include "engine/tensor/tensor.h"

namespace tern {

struct SoftTargets {
  float label_smoothing =
      0;  ///< this much of a class's target is spread evenly: over all classes, or the known ones
  float outlier_weight = 0;  ///< of outlier exposure; 0: novel is a class like the others
  /// With outlier exposure: 1 for each class that is learned; the novel one has 0.
  ByLevel<std::vector<std::uint8_t>> known = {};
};

/// [labels, classes] f32 on the CPU. `known` is empty without outlier exposure; the novel class is the last.
Tensor soft_targets(std::span<const std::int32_t> labels, std::int32_t classes, const SoftTargets& options,
                    std::span<const std::uint8_t> known);

}  // namespace tern
