// tern evaluate: how good a run's best models are on the images they were not trained on.
#pragma once

#include <filesystem>

#include "apps/dashboard.h"
#include "apps/runtime.h"
#include "apps/scores.h"
#include "apps/study_data.h"

namespace tern {

struct EvaluateOptions {
  std::filesystem::path run;
  DecisionOptions decision;
  DataFolders folders;  ///< empty: where the run found its images
  RuntimeOptions runtime;
};

/// Prints the dashboard and writes RUN/evaluation.json. Returns 0; throws Error on failure.
int evaluate(const EvaluateOptions& options);

/// The dashboard of a run's models on the validation and the pseudo-novel images.
Dashboard make_dashboard(const Run& run, StudyModels& models, const StudyData& data,
                         const Decision& decision);

}  // namespace tern
