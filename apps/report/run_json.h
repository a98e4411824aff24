// What the page of tern report knows of a run, as JSON; apps/report/page/ shows it.
//
// A level's groups (groups.h) are the entries of "groups", with the true class, the most probable one and the
// confidence of each image.
#pragma once

#include <string>
#include <vector>

#include "apps/measure/score_choice.h"
#include "apps/report/groups.h"
#include "engine/io/json.h"

namespace tern {

/// With one level of classes that of superclasses is left out, unless there are novel images to tell from all classes.
/// `name`: what the page calls the run; `choices`: what the confidences of `scored` are of. Throws Error naming the file of
/// the run that is no such file, and what report_groups throws.
Json run_json(const std::string& name, const Run& run, const StudyData& data,
              const std::vector<Level>& levels, const ScoredParts& scored, const Decision& decision,
              const ByLevel<ScoreChoice>& choices = {});

/// metrics.csv: a list of {"model", "columns": {name: [value or null, ...]}}; empty where there is no file.
/// Throws Error naming file and line of what is no such table.
Json epochs_json(const Run& run);

}  // namespace tern
