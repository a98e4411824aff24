#include "data/soft_targets.h"

#include <algorithm>
#include <string>

#include "engine/core/check.h"

namespace tern {
namespace {

/// One value for each class that takes part, which together are 1.
std::vector<float> uniform_target(std::int32_t classes, std::span<const std::uint8_t> known) {
  std::vector<float> uniform(static_cast<std::size_t>(classes), 1);
  if (!known.empty()) std::copy(known.begin(), known.end(), uniform.begin());
  const auto count = std::count(uniform.begin(), uniform.end(), 1.0f);
  check(count > 0, "soft targets", "a known class", "none");
  for (float& value : uniform) value /= static_cast<float>(count);
  return uniform;
}

}  // namespace

Tensor soft_targets(std::span<const std::int32_t> labels, std::int32_t classes, const SoftTargets& options,
                    std::span<const std::uint8_t> known) {
  const bool exposes = options.outlier_weight > 0;
  if (known.size() != (exposes ? static_cast<std::size_t>(classes) : 0)) {
    throw Error("soft targets",
                "a flag for each of " + std::to_string(classes) + " classes, with outliers alone",
                std::to_string(known.size()));
  }
  const std::vector<float> uniform = uniform_target(classes, known);
  const auto rows = static_cast<std::int64_t>(labels.size());
  const auto outliers = exposes ? std::count(labels.begin(), labels.end(), classes - 1) : 0;
  const auto scale = [rows](float weight, std::int64_t count) {
    return weight * static_cast<float>(rows) / static_cast<float>(count);
  };
  Tensor targets = Tensor::empty({rows, classes});
  float* row = targets.data<float>();
  for (const std::int32_t label : labels) {
    if (label < 0 || label >= classes) {
      throw Error("soft targets", "classes in 0.." + std::to_string(classes - 1), std::to_string(label));
    }
    const bool outlier = exposes && label == classes - 1;
    const float weight = outlier ? scale(options.outlier_weight, outliers) : scale(1, rows - outliers);
    const float spread = outlier ? 1 : options.label_smoothing;
    for (std::size_t c = 0; c < uniform.size(); ++c) row[c] = weight * spread * uniform[c];
    if (!outlier) row[label] += weight * (1 - spread);
    row += classes;
  }
  return targets;
}

}  // namespace tern
