// What a page shows of one level: its images in groups, curves over their confidences, and the surest
// mistakes.
//
//   seen           validation images of known classes
//   known          of held-out subclasses, at the superclass level, where they are to be recognised
//   near           the same images at the subclass level, where they are novel
//   far            validation images of a novel superclass
//   far_held_out   of a novel superclass of which nothing alike was trained on
//
// The confidence of an image is the probability of the most probable class, or 0 where that is the novel one
// (apps/measure/choose_thresholds.h). The answer is novel unless confidence >= tau, compared in single
// precision.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/measure/level_groups.h"
#include "engine/metrics/bootstrap.h"
#include "engine/metrics/oscr.h"
#include "engine/metrics/risk_coverage.h"
#include "engine/metrics/roc.h"

namespace tern {

struct ReportGroup {
  std::string key;
  bool novel = false;  ///< whether the right answer is "novel"
  std::vector<std::int64_t> images;
  std::vector<std::int32_t> truth;
  std::vector<std::int32_t> answers;  ///< the most probable classes
  std::vector<float> confidences;
};

/// The groups of a level that have images; "seen" is the first. Throws Error if it has none, or a logit is
/// NaN.
std::vector<ReportGroup> report_groups(const Run& run, const StudyData& data, const ScoredParts& scored,
                                       const Decision& decision, Level level);

/// Of the confidence as a novelty score: seen images against one group of novel ones.
struct ConfidenceCurves {
  Interval auroc;  ///< with its 95 % interval over resampled images
  double oscr = 0;
  OpenSetRisk risk;
  std::vector<RocPoint> roc;
  std::vector<OscrPoint> oscr_curve;
};
ConfidenceCurves confidence_curves(const ReportGroup& seen, const ReportGroup& novel);

/// Images of a group that are answered as a wrong known class, by their place in it, the most confident
/// first.
std::vector<std::size_t> mistakes_of(const ReportGroup& group, std::int32_t novel);

/// All images of a group, by their place in it, the least confident first.
std::vector<std::size_t> most_novel_of(const ReportGroup& group);

}  // namespace tern
