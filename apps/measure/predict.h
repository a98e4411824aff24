// tern predict: a CSV with both levels' answers for unlabelled images.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/common/runtime.h"
#include "apps/measure/answers.h"
#include "apps/measure/ensemble.h"

namespace tern {

struct PredictOptions {
  std::vector<std::filesystem::path> runs;  ///< several answer together
  std::string views;                        ///< of parse_views()
  std::filesystem::path images;             ///< a folder or a .zip
  std::filesystem::path out;     ///< image,superclass_index,subclass_index in numeric order of the names
  std::filesystem::path labels;  ///< if set: image,superclass_index,subclass_index to compare with
  DecisionOptions decision;
  bool names = false;          ///< two more columns: the names of both answers, superclass,subclass
  bool probabilities = false;  ///< two more columns: the largest softmax value of each level
  bool details =
      false;  ///< of each level: the confidence that tau is held against, its p-value, the second choice
  bool allow_held_out = false;  ///< else a run that never saw some subclasses is refused
  RuntimeOptions runtime;
  ScoreMemo* memo = nullptr;  ///< see EnsembleModels
};

/// Writes the CSV whole or not at all. Returns 0; throws Error on failure.
int predict(const PredictOptions& options);

}  // namespace tern
