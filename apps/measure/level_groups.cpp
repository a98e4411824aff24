#include "apps/measure/level_groups.h"

#include <numeric>

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
  for (std::int64_t i = 0; i < logits.count(); ++i) {
    const std::int32_t label = labels[static_cast<std::size_t>(i)];
    if (!keep(label)) continue;
    rows.labels.push_back(label);
    for (std::size_t c = 0; c < allowed.size(); ++c) {
      rows.logits.push_back(allowed[c] != 0 ? logits.row(i)[c] : kMaskedLogit);
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
  const std::vector<std::uint8_t> trained = run.trained(level);
  const std::vector<std::uint8_t> allowed =
      decision.mask_untrained ? trained : std::vector<std::uint8_t>(trained.size(), 1);
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
  if (!super) {
    groups.near =
        take_rows(scored.pseudo_novel, level, labels_of(labels, data.split.pseudo_novel), allowed, all);
  }
  groups.far_held_out = take_rows(scored.pseudo_novel_super, level,
                                  labels_of(labels, data.split.pseudo_novel_super), allowed, all);
  return groups;
}

std::vector<std::pair<const char*, const LevelRows*>> novel_kinds(const LevelGroups& groups) {
  std::vector<std::pair<const char*, const LevelRows*>> kinds{
      {"near", &groups.near}, {"far", &groups.far}, {"far_held_out", &groups.far_held_out}};
  std::erase_if(kinds, [](const auto& kind) { return kind.second->count() == 0; });
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

std::vector<std::int32_t> labels_of(const std::vector<std::int32_t>& labels,
                                    const std::vector<std::int64_t>& indices) {
  std::vector<std::int32_t> picked;
  for (const std::int64_t index : indices) picked.push_back(labels[static_cast<std::size_t>(index)]);
  return picked;
}

}  // namespace tern
