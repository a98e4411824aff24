// tern study: every row of a plan, with its seeds, into one folder, and the tables that they make.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/runtime.h"
#include "apps/run/study_data.h"

namespace tern {

struct StudyOptions {
  std::filesystem::path plan;
  DataFolders folders;
  std::filesystem::path out;         ///< a new folder, or that of the same study, which then goes on
  std::vector<std::string> weights;  ///< FILE, or NAME=FILE for rows that name their weights
  std::vector<std::string> keys;     ///< KEY, or NAME=KEY, of a state dict in the weights of that name
  std::filesystem::path images;      ///< to be predicted; empty: DATA/test_images or DATA/test_images.zip
  bool join = false;                 ///< work beside other calls that are at work on this study
  bool dry_run = false;              ///< list the trainings and do nothing
  ResultForm print = ResultForm::text;
  RuntimeOptions runtime;
};

/// Writes OUT/study.json and OUT/tables.md after each row; all processes of a launcher call it and join each other. Prints the tables at the end, or as JSON what is
/// in study.json. Returns 0; throws Error on failure, with what was done so far left on the disk.
int study(const StudyOptions& options);

}  // namespace tern
