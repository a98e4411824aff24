// tern evaluate: how good a run's best models are on the images they were not trained on.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/runtime.h"
#include "apps/measure/answers.h"
#include "apps/measure/ensemble.h"

namespace tern {

struct EvaluateOptions {
  std::vector<std::filesystem::path> runs;  ///< several answer together
  std::string views;                        ///< of parse_views()
  DecisionOptions decision;
  DataFolders folders;  ///< empty: where the run found its images
  bool novelty_scores =
      true;  ///< the scores that are fitted to the training part, which is run through the models
  ResultForm print = ResultForm::text;
  RuntimeOptions runtime;
  ScoreMemo* memo = nullptr;  ///< see EnsembleModels
};

/// Prints the rates, the worst classes and the novelty metrics, and writes RUN/evaluation.json, which is also what it prints
/// as JSON. Returns 0; throws Error on failure.
int evaluate(const EvaluateOptions& options);

}  // namespace tern
