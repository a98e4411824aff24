// tern train: a run folder from a study's folder.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/runtime.h"
#include "apps/run/study_data.h"
#include "models/heads.h"

namespace tern {

struct TrainOptions {
  std::filesystem::path config;   ///< may be empty with resume: the run's own
  std::vector<std::string> sets;  ///< "key=value"
  DataFolders folders;            ///< data may be empty with resume
  std::filesystem::path out;      ///< the run folder
  WeightSource weights;           ///< of the backbone, .pth or .safetensors; empty: random initialisation
  RuntimeOptions runtime;
  bool resume = false;
  std::shared_ptr<FolderLock> lock;  ///< of `out`, if the caller has it
  bool alone = false;  ///< with none of the processes that a launcher has started beside this one
  int ranks = 0;       ///< processes to start with mpirun; 0: those that a launcher has started, or this one
  ResultForm print = ResultForm::text;  ///< text: remarks alone
};

/// Trains the models that the settings ask for, one after the other; as JSON it prints RUN/summary.json. Returns
/// 0; throws Error on failure, with the run folder then holding what its last whole epoch left, or nothing if
/// training never began. Under a launcher of several processes all of them call it and train together (trainer.h), unless
/// each is to do so alone.
int train(const TrainOptions& options);

}  // namespace tern
