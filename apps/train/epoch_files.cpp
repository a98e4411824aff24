#include "apps/train/epoch_files.h"

#include <fmt/format.h>

#include <utility>

namespace tern {

EpochFiles::EpochFiles(Run& run, Part part, const Dataset& dataset, std::vector<ParameterEntry> heads)
    : run_(run),
      part_(part),
      metrics_file_(run.metrics_file()),
      tracker_(run, part, dataset, std::move(heads)) {}

void EpochFiles::keep_until(std::int64_t epoch) {
  metrics_file_.keep_until(name_of(part_), epoch);
  tracker_.keep_until(epoch);
}

void EpochFiles::add_validation(const ValidationAnswers::Gathered& answers) {
  if (!answers.images.empty())
    tracker_.add_validation(answers.images, answers.answers, answers.probabilities);
}

void EpochFiles::write(const EpochMetrics& metrics, bool best, const TrainingSnapshot& snapshot,
                       const Json& description, const TrainingProgress& progress) {
  const Metadata metadata{{"part", name_of(part_)}, {"epoch", fmt::format("{}", metrics.epoch)}};
  if (best) snapshot.save_model(run_.best_model(part_), metadata);
  snapshot.save_model(run_.last_model(part_), metadata);
  metrics_file_.append(metrics);
  tracker_.write(metrics, best);
  summary().update(description);
  summary()["last"] = to_json(metrics);
  if (best) summary()["best"] = to_json(metrics);
  run_.save_summary();
  snapshot.save_state(run_.training_state(part_), progress);
}

void EpochFiles::note_early_stop() {
  summary()["stopped_early"] = true;
  run_.save_summary();
}

Json& EpochFiles::summary() {
  return run_.summary["models"][name_of(part_)];
}

}  // namespace tern
