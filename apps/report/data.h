// What the page of tern report knows of a run, as JSON; apps/report/page/ shows it.
//
// A level's images are in groups, each an entry of "groups":
//   seen           validation images of known classes
//   known          of held-out subclasses, at the superclass level, where they are to be recognised
//   near           the same images at the subclass level, where they are novel
//   far            validation images of a novel superclass
//   far_held_out   of a novel superclass of which nothing alike was trained on
// with, by image, the true class, the most probable one and the confidence: its probability, or 0 where it is
// the novel class (apps/measure/calibrate.h). The answer is novel unless confidence >= tau, compared in
// single precision.
#pragma once

#include <string>
#include <vector>

#include "apps/measure/level_groups.h"
#include "engine/io/json.h"

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

/// `name`: what the page calls the run. Throws Error naming the file of the run that is no such file, and
/// what report_groups throws.
Json run_json(const std::string& name, const Run& run, const StudyData& data,
              const std::vector<Level>& levels, const ScoredParts& scored, const Decision& decision);

/// metrics.csv: a list of {"model", "columns": {name: [value or null, ...]}}; empty where there is no file.
/// Throws Error naming file and line of what is no such table.
Json epochs_json(const Run& run);

}  // namespace tern
