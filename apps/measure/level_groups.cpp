#include "apps/measure/level_groups.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "data/random_purpose.h"
#include "engine/core/check.h"
#include "engine/core/random.h"
#include "models/losses.h"

namespace tern {
namespace {

/// The rows of `scores` whose label passes, logits masked where `allowed` is 0.
template <typename Keep>
LevelRows take_rows(const Scores& scores, Level level, const std::vector<std::int32_t>& labels,
                    const std::vector<std::uint8_t>& allowed, Keep&& keep) {
  LevelRows rows;
  rows.feature_count = scores.feature_count;
  rows.class_count = static_cast<std::int64_t>(allowed.size());
  const Rows logits{scores.logits[level], rows.class_count};
  const Rows features{scores.features[level], scores.feature_count};
  const auto kept = static_cast<std::size_t>(
      std::count_if(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(logits.count()), keep));
  rows.logits.reserve(kept * allowed.size());
  for (std::int64_t i = 0; i < logits.count(); ++i) {
    const std::int32_t label = labels[static_cast<std::size_t>(i)];
    if (!keep(label)) continue;
    rows.labels.push_back(label);
    for (std::size_t c = 0; c < allowed.size(); ++c) {
      rows.logits.push_back(allowed[c] != 0 ? logits.row(i)[c] : kMaskedLogit);
    }
    if (!scores.confidences[level].empty()) {
      rows.confidences.push_back(scores.confidences[level][static_cast<std::size_t>(i)]);
    }
    if (features.count() == 0) continue;
    rows.features.insert(rows.features.end(), features.row(i).begin(), features.row(i).end());
  }
  return rows;
}

}  // namespace

LevelGroups level_groups(const Run& run, const StudyData& data, const ScoredParts& scored,
                         const Decision& decision, Level level) {
  const bool super = level == Level::super;
  const std::vector<std::int32_t>& labels = data.dataset.labels(level);
  const std::vector<std::uint8_t> allowed = allowed_classes(run, decision.mask_untrained, level);
  LevelGroups groups;
  groups.level = level;
  groups.novel = data.dataset.classes.novel(level);
  groups.known = allowed;
  groups.known[static_cast<std::size_t>(groups.novel)] = 0;
  const std::int32_t novel = groups.novel;
  const auto is_known = [novel](std::int32_t label) { return label != novel; };
  groups.train = take_rows(scored.train, level, labels_of(labels, data.split.train), allowed, is_known);
  const std::vector<std::int32_t> validation = labels_of(labels, data.split.validation);
  groups.seen = take_rows(scored.validation, level, validation, allowed, is_known);
  groups.far = take_rows(scored.validation, level, validation, allowed,
                         [&](std::int32_t label) { return !is_known(label); });
  const auto all = [](std::int32_t) { return true; };
  (super ? groups.seen_near : groups.near) =
      take_rows(scored.pseudo_novel, level, labels_of(labels, data.split.pseudo_novel), allowed, all);
  groups.far_held_out = take_rows(scored.pseudo_novel_super, level,
                                  labels_of(labels, data.split.pseudo_novel_super), allowed, all);
  const std::size_t made = scored.made.logits[level].size() / allowed.size();
  groups.made = take_rows(scored.made, level, std::vector<std::int32_t>(made, novel), allowed, all);
  return groups;
}

const char* name_of(ImageKind kind) {
  constexpr const char* kNames[] = {"seen", "near", "far", "far_held_out", "seen_near", "made"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::vector<ImageKind> novel_kinds(const LevelGroups& groups) {
  std::vector<ImageKind> kinds{ImageKind::near, ImageKind::far, ImageKind::far_held_out, ImageKind::made};
  std::erase_if(kinds, [&](ImageKind kind) { return rows_of(groups, kind).count() == 0; });
  return kinds;
}

std::vector<std::uint8_t> random_half(std::int64_t count, std::uint64_t seed, std::uint32_t group) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(count));
  std::iota(order.begin(), order.end(), std::int64_t{0});
  constexpr std::uint32_t kHalves = 100;  // data/split.cpp draws from the streams before
  RandomStream(seed, random_purpose::split, kHalves, group).shuffle(order);
  std::vector<std::uint8_t> half(order.size(), 0);
  for (std::size_t i = 0; i < (order.size() + 1) / 2; ++i) half[static_cast<std::size_t>(order[i])] = 1;
  return half;
}

std::vector<std::uint8_t> calibration_half(Level level, ImageKind kind, std::int64_t count,
                                           std::uint64_t seed) {
  return random_half(count, seed,
                     10 * (static_cast<std::uint32_t>(level) + 1) + static_cast<std::uint32_t>(kind));
}

LevelRows rows_where(const LevelRows& rows, const std::vector<std::uint8_t>& flags, std::uint8_t wanted) {
  LevelRows part;
  part.feature_count = rows.feature_count;
  part.class_count = rows.class_count;
  part.logits.reserve(static_cast<std::size_t>(std::count(flags.begin(), flags.end(), wanted)) *
                      static_cast<std::size_t>(rows.class_count));
  for (std::int64_t i = 0; i < rows.count(); ++i) {
    const auto number = static_cast<std::size_t>(i);
    if (flags[number] != wanted) continue;
    part.labels.push_back(rows.labels[number]);
    const std::span<const float> logits = rows.logit_rows().row(i);
    part.logits.insert(part.logits.end(), logits.begin(), logits.end());
    if (!rows.confidences.empty()) part.confidences.push_back(rows.confidences[number]);
    if (rows.features.empty()) continue;
    const std::span<const float> features = rows.feature_rows().row(i);
    part.features.insert(part.features.end(), features.begin(), features.end());
  }
  return part;
}

ImageKind novel_kind(const LevelGroups& groups) {
  if (groups.near.count() > 0) return ImageKind::near;
  if (groups.made.count() > 0) return ImageKind::made;
  return groups.far_held_out.count() > 0 ? ImageKind::far_held_out : ImageKind::far;
}

const LevelRows& rows_of(const LevelGroups& groups, ImageKind kind) {
  switch (kind) {
    case ImageKind::seen:
      return groups.seen;
    case ImageKind::near:
      return groups.near;
    case ImageKind::far:
      return groups.far;
    case ImageKind::far_held_out:
      return groups.far_held_out;
    case ImageKind::seen_near:
      return groups.seen_near;
    case ImageKind::made:
      break;
  }
  return groups.made;
}

HeadFunction masked_head(HeadFunction head, const LevelGroups& groups) {
  return [head = std::move(head), known = groups.known, novel = groups.novel](const Rows& features) {
    std::vector<float> logits = head(features);
    for (std::size_t i = 0; i < logits.size(); ++i) {
      const std::size_t column = i % known.size();
      if (static_cast<std::int32_t>(column) != novel && known[column] == 0) logits[i] = kMaskedLogit;
    }
    return logits;
  };
}

std::vector<std::int32_t> labels_of(const std::vector<std::int32_t>& labels,
                                    const std::vector<std::int64_t>& indices) {
  std::vector<std::int32_t> picked;
  for (const std::int64_t index : indices) picked.push_back(labels[static_cast<std::size_t>(index)]);
  return picked;
}

}  // namespace tern
