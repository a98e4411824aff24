// scores.safetensors of a run: the fitted novelty scores, read as commands do, and then asked.
// Link: tern_apps_measure
// Dictionary: safetensors
// Parser: apps/measure/scores_file.cpp:calibrated_scores,read_scores,choices_of,metadata_at,confidence_of,remedy
// Parser: models/novelty_state.h:NoveltyStateReader,check_state models/novelty_scores.cpp:NoveltyStateReader
// Parser: models/novelty_openmax.cpp:NoveltyStateReader models/novelty_vim.cpp:NoveltyStateReader models/novelty_distance.cpp:NoveltyStateReader
#include "apps/measure/scores_file.h"

#include "tests/fuzz/run_files.h"

using namespace tern;

namespace {

/// Rows of `columns` numbers between -1 and 1.
std::vector<float> numbers(std::int64_t rows, std::int64_t columns) {
  std::vector<float> values;
  for (std::int64_t i = 0; i < rows * columns; ++i) values.push_back(static_cast<float>(i % 7 - 3) / 3);
  return values;
}

void ask(const NoveltyConfidence& confidence, const std::vector<Run>& runs) {
  Scores scores;
  scores.feature_count = 4;
  for (const Level level : kLevels) {
    scores.features[level] = numbers(2, 4);
    scores.logits[level] = numbers(2, runs.front().classes().count(level));
  }
  fuzz::accepted([&] { confidence.add_to(runs, scores); });
}

}  // namespace

TERN_FUZZER(scores) {
  static const fuzz::RunFilesWithModel folder;
  static const std::vector<Run> runs{folder.open()};
  static EnsembleModels models(runs, parse_views(""), Device::cpu());
  folder.write("scores.safetensors", input);
  fuzz::accepted([&] { calibrated_scores(runs.front()); });
  fuzz::accepted([&] {
    if (const auto confidence = read_scores(runs, models, "", {})) ask(*confidence, runs);
  });
}
