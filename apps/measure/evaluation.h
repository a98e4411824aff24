// What tern evaluate finds of a run, as numbers; evaluation_json.h and evaluation_text.h say them.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "apps/measure/class_report.h"
#include "apps/measure/level_rates.h"
#include "apps/measure/level_report.h"
#include "apps/measure/tree_distance.h"
#include "apps/run/config.h"

namespace tern {

/// A level without a model is left out.
struct Evaluation {
  bool one_level = false;                                     ///< of classes: texts speak of no superclasses
  std::vector<std::pair<std::string, ConfigValue>> settings;  ///< what the numbers depend on
  ByLevel<std::optional<LevelRates>> rates;
  std::vector<ClassReport> classes;
  std::optional<TreeDistances> distances;  ///< where both levels answer
  std::vector<LevelReport> levels;         ///< empty unless novelty scores are asked for
};

}  // namespace tern
