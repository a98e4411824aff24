// tern predict: a CSV with both levels' answers for unlabelled images, and a page with their pictures.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "apps/common/console.h"
#include "apps/common/runtime.h"
#include "apps/measure/answers.h"
#include "apps/measure/ensemble.h"

namespace tern {

struct PredictOptions {
  std::vector<std::filesystem::path> runs;  ///< several answer together
  std::string views;                        ///< of parse_views()
  std::filesystem::path images;             ///< a folder or a .zip
  std::filesystem::path out;       ///< image,superclass_index,subclass_index in numeric order of the names
  bool replace = false;            ///< else a file that is there is refused, but for a table of predict's own
  std::filesystem::path page;      ///< if set: the images as pictures (predictions_page.h)
  std::size_t page_limit = 2000;   ///< as many pictures at most
  std::size_t page_nearest = 200;  ///< of the most novel of them the nearest known images, too
  std::filesystem::path labels;    ///< if set: image,superclass_index,subclass_index to compare with
  DecisionOptions decision;
  bool names = false;          ///< two more columns: the names of both answers, superclass,subclass
  bool probabilities = false;  ///< two more columns: the largest softmax value of each level
  bool details =
      false;  ///< of each level: the confidence that tau is held against, its p-value, the second choice
  bool allow_held_out = false;  ///< else a run that never saw some subclasses is refused
  ResultForm print = ResultForm::text;
  RuntimeOptions runtime;
  ScoreMemo* memo = nullptr;  ///< see EnsembleModels
};

/// Writes CSV and page whole or not at all, and prints how many images were called novel, and with labels how many answers are
/// right. Returns 0; throws Error on failure.
int predict(const PredictOptions& options);

}  // namespace tern
