// Images by what was answered, for a page of pictures, and which of them it shows where they are too many.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "apps/measure/predictions.h"

namespace tern {

struct AnswerGroup {
  enum class Kind { novel_superclass, novel_subclass, known };
  Kind kind = Kind::known;
  std::int32_t superclass = 0;       ///< the answer; of a known subclass, the superclass that it lies in
  std::int32_t subclass = 0;         ///< the answer
  std::vector<std::int64_t> images;  ///< the most novel first
};

/// Those that have images: of a novel superclass, of a novel subclass of each superclass, and of each subclass, by
/// superclass. Where the levels disagree, an image is with the subclass that was answered, unless its superclass is novel.
std::vector<AnswerGroup> answer_groups(const ClassTable& classes, const Predictions& predictions);

/// At most `limit` of the images that the groups hold, ascending. All if they are no more. Else half of the limit for the
/// most novel of all, and the other half shared out: as many to each group, until it has no more, spread evenly over its
/// order.
std::vector<std::int64_t> choose_shown(const std::vector<AnswerGroup>& groups, const Predictions& predictions,
                                       std::size_t limit);

}  // namespace tern
