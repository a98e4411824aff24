// An epoch's images with each class as likely as any other: PyTorch's WeightedRandomSampler with the inverse of the
// class's size as weights.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "data/levels.h"
#include "engine/core/random.h"

namespace tern {

struct BalancedSampler {
  Level level = Level::sub;
  /// The class whose images keep their share of the epoch (the novel one, where it is none of those that are
  /// learned).
  std::optional<std::int32_t> unbalanced;
};

/// As many images as `indices`, drawn from them with replacement: a class of those that are there, each as likely,
/// then an image of it, each as likely. labels: of the whole dataset.
std::vector<std::int64_t> draw_balanced(std::span<const std::int64_t> indices,
                                        std::span<const std::int32_t> labels,
                                        std::optional<std::int32_t> unbalanced, RandomStream& random);

/// For each place in `order` how often its image came before.
std::vector<std::uint32_t> count_repeats(std::span<const std::int64_t> order);

}  // namespace tern
