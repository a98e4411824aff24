// How far the answers of both levels are from the truth in the tree of classes (engine/metrics/hierarchical_distance.h): a
// known subclass is a leaf, a novel subclass of a known superclass is that superclass, a novel superclass is the root.
#pragma once

#include <optional>

#include "apps/measure/level_rates.h"

namespace tern {

/// Balanced mean hierarchical distance in edges, 0 .. 4, over the images of each kind; none where there are none.
struct TreeDistances {
  std::optional<double> known, novel_subclass, novel_superclass;
};

TreeDistances tree_distances(const StudyData& data, const PartAnswers& answers);

}  // namespace tern
