// The images of a run level by level: which of them are known, which are novel and of what kind, with what
// the models say of each.
#pragma once

#include "apps/measure/answers.h"
#include "apps/measure/ensemble.h"
#include "models/novelty_rows.h"

namespace tern {

/// Some images at one level of classes.
struct LevelRows {
  std::int64_t feature_count = 0, class_count = 0;
  std::vector<float> features;  ///< [images, feature_count], if they were kept
  std::vector<float> logits;    ///< [images, class_count]; kMaskedLogit for classes left out
  std::vector<std::int32_t> labels;
  std::vector<float> confidences;  ///< of Scores; empty where the largest probability decides

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
  LevelRows seen_near;     ///< superclass level: images of held-out subclasses, whose superclass is known
  LevelRows near;          ///< of held-out subclasses; at the superclass level they are not novel: empty
  LevelRows far;           ///< validation images of a novel superclass
  LevelRows far_held_out;  ///< of a novel superclass of which nothing alike was trained on
  LevelRows made;          ///< images of no class, made of known ones
};

LevelGroups level_groups(const Run& run, const StudyData& data, const ScoredParts& scored,
                         const Decision& decision, Level level);

/// 1 for the rows of a random half (the larger one of an odd number), which depends on seed and group alone.
std::vector<std::uint8_t> random_half(std::int64_t count, std::uint64_t seed, std::uint32_t group);

/// The images of LevelGroups by what they are.
enum class ImageKind { seen, near, far, far_held_out, seen_near, made };
const char* name_of(ImageKind kind);  ///< the same in every output: the enumerator's
/// The kinds of novel images that there are.
std::vector<ImageKind> novel_kinds(const LevelGroups& groups);
/// 1 for the rows that calibrate, 0 for those that test what was calibrated.
std::vector<std::uint8_t> calibration_half(Level level, ImageKind kind, std::int64_t count,
                                           std::uint64_t seed);
/// The rows whose flag is `wanted`.
LevelRows rows_where(const LevelRows& rows, const std::vector<std::uint8_t>& flags, std::uint8_t wanted);
/// What to calibrate with: images of kinds never trained on, if there are any; made ones before others that are far.
ImageKind novel_kind(const LevelGroups& groups);
const LevelRows& rows_of(const LevelGroups& groups, ImageKind kind);

/// The head with the columns that may not be answered masked, as in the rows' logits.
HeadFunction masked_head(HeadFunction head, const LevelGroups& groups);

/// labels[index] for each index.
std::vector<std::int32_t> labels_of(const std::vector<std::int32_t>& labels,
                                    const std::vector<std::int64_t>& indices);

}  // namespace tern
