// The images of a run level by level: which of them are known, which are novel and of what kind, with what
// the models say of each.
#pragma once

#include "apps/measure/answers.h"
#include "models/novelty_rows.h"

namespace tern {

/// Some images at one level of classes.
struct LevelRows {
  std::int64_t feature_count = 0, class_count = 0;
  std::vector<float> features;  ///< [images, feature_count], if they were kept
  std::vector<float> logits;    ///< [images, class_count]; kMaskedLogit for classes left out
  std::vector<std::int32_t> labels;

  std::int64_t count() const { return static_cast<std::int64_t>(labels.size()); }
  Rows feature_rows() const { return {features, feature_count}; }
  Rows logit_rows() const { return {logits, class_count}; }
};

/// What is known and what is novel at one level.
struct LevelGroups {
  Level level = Level::super;
  std::int32_t novel = 0;           ///< the index of the novel class
  std::vector<std::uint8_t> known;  ///< 1 for the columns that may be answered and are not the novel one
  LevelRows train;                  ///< of known classes; empty unless scored
  LevelRows seen;                   ///< validation images of known classes
  LevelRows near;          ///< of held-out subclasses; at the superclass level they are not novel: empty
  LevelRows far;           ///< validation images of a novel superclass
  LevelRows far_held_out;  ///< of a novel superclass of which nothing alike was trained on
};

/// The kinds of novel images that there are, with the names that they have in every output: "near", "far",
/// "far_held_out".
std::vector<std::pair<const char*, const LevelRows*>> novel_kinds(const LevelGroups& groups);
LevelGroups level_groups(const Run& run, const StudyData& data, const ScoredParts& scored,
                         const Decision& decision, Level level);

/// 1 for the rows of a random half (the larger one of an odd number), which depends on seed and group alone.
std::vector<std::uint8_t> random_half(std::int64_t count, std::uint64_t seed, std::uint32_t group);

/// labels[index] for each index.
std::vector<std::int32_t> labels_of(const std::vector<std::int32_t>& labels,
                                    const std::vector<std::int64_t>& indices);

}  // namespace tern
