#include "apps/report/groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "engine/core/check.h"

namespace tern {
namespace {

/// One part of the split: its images and what was answered.
struct ScoredPart {
  const std::vector<std::int64_t>& images;
  const Scores& scores;
};

Answers answers_of(const Run& run, const Decision& decision, Level level, const Scores& scores) {
  return scores.logits[level].empty() ? Answers{} : answer_level(run, decision, level, scores);
}

/// The images of a part whose true class passes.
template <typename Keep>
ReportGroup group_of(const char* key, bool novel, const std::vector<std::int32_t>& labels,
                     const std::vector<std::int64_t>& images, const Answers& answers,
                     std::int32_t novel_class, Keep&& keep) {
  ReportGroup group{key, novel, {}, {}, {}, {}};
  for (std::size_t i = 0; i < answers.confidences.size(); ++i) {
    const std::int32_t label = labels[static_cast<std::size_t>(images[i])];
    if (!keep(label)) continue;
    if (!(answers.confidences[i] >= 0)) {
      throw Error(fmt::format("the images of the group {}", key), "numbers for logits", "NaN");
    }
    group.images.push_back(images[i]);
    group.truth.push_back(label);
    const std::int32_t answer = answers.most_probable.classes[i];
    group.answers.push_back(answer);
    group.confidences.push_back(answer == novel_class ? 0 : answers.confidences[i]);
  }
  return group;
}

/// Higher for what is more novel.
std::vector<double> novelty_of(const ReportGroup& group) {
  std::vector<double> scores;
  for (const float confidence : group.confidences) scores.push_back(-static_cast<double>(confidence));
  return scores;
}

}  // namespace

std::vector<ReportGroup> report_groups(const Run& run, const StudyData& data, const ScoredParts& scored,
                                       const Decision& decision, Level level) {
  const bool super = level == Level::super;
  const std::int32_t novel = data.dataset.classes.novel(level);
  std::vector<ReportGroup> groups;
  const auto add = [&](const char* key, bool is_novel, const ScoredPart& part, auto&& keep) {
    groups.push_back(group_of(key, is_novel, data.dataset.labels(level), part.images,
                              answers_of(run, decision, level, part.scores), novel, keep));
    if (groups.back().images.empty()) groups.pop_back();
  };
  const ScoredPart validation{data.split.validation, scored.validation};
  const ScoredPart held_out{data.split.pseudo_novel, scored.pseudo_novel};
  const auto all = [](std::int32_t) { return true; };
  add("seen", false, validation, [&](std::int32_t label) { return label != novel; });
  if (groups.empty()) {
    throw Error(run.folder().string(), "validation images of known classes", "none");
  }
  add(super ? "known" : "near", !super, held_out, all);
  add("far", true, validation, [&](std::int32_t label) { return label == novel; });
  add("far_held_out", true, {data.split.pseudo_novel_super, scored.pseudo_novel_super}, all);
  return groups;
}

ConfidenceCurves confidence_curves(const ReportGroup& seen, const ReportGroup& novel) {
  const std::vector<double> of_seen = novelty_of(seen), of_novel = novelty_of(novel);
  std::vector<std::uint8_t> correct;
  for (std::size_t i = 0; i < seen.truth.size(); ++i) correct.push_back(seen.truth[i] == seen.answers[i]);
  return {bootstrap_auroc(of_novel, of_seen), oscr(of_seen, correct, of_novel),
          open_set_risk(of_seen, correct, of_novel), roc_curve(of_novel, of_seen),
          oscr_curve(of_seen, correct, of_novel)};
}

std::vector<std::size_t> mistakes_of(const ReportGroup& group, std::int32_t novel) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < group.answers.size(); ++i) {
    if (group.answers[i] == novel) continue;
    if (group.novel || group.answers[i] != group.truth[i]) rows.push_back(i);
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [&](std::size_t a, std::size_t b) { return group.confidences[a] > group.confidences[b]; });
  return rows;
}

std::vector<std::size_t> most_novel_of(const ReportGroup& group) {
  std::vector<std::size_t> rows(group.images.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  std::stable_sort(rows.begin(), rows.end(),
                   [&](std::size_t a, std::size_t b) { return group.confidences[a] < group.confidences[b]; });
  return rows;
}

}  // namespace tern
