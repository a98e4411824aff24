#include "apps/study/measure_row.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "apps/common/console.h"
#include "apps/measure/calibrate.h"
#include "apps/measure/calibration_file.h"
#include "apps/measure/evaluate.h"
#include "apps/measure/predict.h"
#include "apps/measure/scores_file.h"
#include "apps/study/cross_fitted_taus.h"
#include "apps/study/result_json.h"
#include "data/label_table.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

DecisionOptions decision_at(const StudyRow& row, const Taus& taus) {
  DecisionOptions decision;
  decision.tau = {taus.super, taus.sub};
  decision.consistent = row.consistent;
  decision.scores = row.scores.empty() ? std::vector<std::string>{kPlainScore} : row.scores;
  return decision;
}

/// Whether `file` is there and was made after the run was trained: the plan may have asked for more epochs
/// since.
bool is_of_now(const fs::path& file, const StudyRun& run) {
  return fs::exists(file) &&
         std::all_of(run.members.begin(), run.members.end(), [&file](const Training& member) {
           return fs::last_write_time(file) >= fs::last_write_time(member.folder / "summary.json");
         });
}

/// Calibrated for the row's score, members and views after they were trained.
bool is_calibrated(const StudyRow& row, const StudyRun& run) {
  if (!is_of_now(run.folder() / "calibration.json", run)) return false;
  const Run first = Run::open(run.folder());
  if (!is_calibration_of(first, run.folders(), row.views)) return false;
  const ByLevel<ScoreChoice> now = calibrated_scores(first);
  const ByLevel<std::optional<ScoreChoice>> wanted =
      parse_scores(row.scores, first.classes().has_one_level());
  return now.super == wanted.super.value_or(ScoreChoice{}) && now.sub == wanted.sub.value_or(ScoreChoice{});
}

Taus fixed_taus(const StudyRow& row) {
  const Config config = row.resolved();
  return {config.tau_super, config.tau_sub};
}

/// Training and validation seconds of all epochs.
double seconds_of(const StudyRun& run) {
  double seconds = 0;
  for (const Training& member : run.members) {
    const CsvTable metrics = read_csv(member.folder / "metrics.csv");
    for (std::size_t row = 0; row < metrics.rows.size(); ++row) {
      seconds += metrics.number(row, metrics.column("seconds")) +
                 metrics.number(row, metrics.column("validation_seconds"));
    }
  }
  return seconds;
}

/// What result.json depends on besides the runs themselves. (Calibrated taus follow from these.)
Json inputs_of(const RowRuns& runs, const RowOptions& options) {
  Json json = {{"test_mix_percent",
                {{"seen", options.mix.seen},
                 {"novel_subclass", options.mix.novel_subclass},
                 {"novel_superclass", options.mix.novel_superclass}}},
               {"threshold", fmt::format("{}", fmt::join(runs.row->thresholds, ", "))},
               {"consistent", runs.row->consistent},
               {"score", runs.row->scores},
               {"novelty_scores", runs.row->novelty_scores},
               {"images", fs::weakly_canonical(options.images).string()}};
  if (runs.row->thresholds.empty()) {
    const Taus taus = fixed_taus(*runs.row);
    json["taus"] = {taus.super, taus.sub};
  }
  if (runs.row->novel_superclasses == NovelSuperclasses::left_out) json["novel_superclasses"] = "left_out";

  if (!runs.row->views.empty()) json["views"] = runs.row->views;
  const fs::path study = runs.folder.parent_path().parent_path();
  for (const StudyRun* run : runs.all()) {
    for (const fs::path& folder : run->folders())
      json["runs"].push_back(folder.lexically_relative(study).string());
  }
  return json;
}

/// What the predictions say of images whose classes nobody knows: how many are called novel, and how many
/// answers of the two levels contradict each other.
Json describe_predictions(const fs::path& file, const ClassTable& classes) {
  const CsvTable csv = read_csv(file);
  const std::size_t super_column = csv.column("superclass_index"), sub_column = csv.column("subclass_index");
  std::int64_t novel_super = 0, novel_sub = 0, contradicting = 0;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    const std::int32_t super = index_at(csv, row, super_column, classes.superclass_count());
    const std::int32_t sub = index_at(csv, row, sub_column, classes.count(Level::sub));
    const bool known_sub = sub != classes.novel_subclass();
    novel_super += super == classes.novel_superclass();
    novel_sub += !known_sub;
    contradicting += known_sub && classes.subclass_to_super[static_cast<std::size_t>(sub)] != super;
  }
  const auto images = static_cast<std::int64_t>(csv.rows.size());
  return {{"images", images},
          {"novel_superclass_percent", percent(novel_super, images).value_or(0)},
          {"novel_subclass_percent", percent(novel_sub, images).value_or(0)},
          {"contradicting_percent", percent(contradicting, images).value_or(0)}};
}

class RowMeasurement {
 public:
  RowMeasurement(const RowRuns& runs, const RowOptions& options)
      : runs_(runs), row_(*runs.row), options_(options) {}

  /// A threshold of each run, by the row's rule.
  RowTaus taus();
  /// The folds, the last run, the runs without a superclass at these, and the estimates that follow.
  Json at(const RowTaus& taus);
  void predict_images(const Taus& taus, Json& json) const;

 private:
  void calibrate_run(const StudyRun& run);
  Taus calibrated_taus(const StudyRun& run);
  void evaluate_run(const StudyRun& run, const Taus& taus, bool novelty_scores);
  std::vector<Measured> measure_folds(const RowTaus& taus, Json& json);

  const RowRuns& runs_;
  const StudyRow& row_;
  const RowOptions& options_;
};

void RowMeasurement::calibrate_run(const StudyRun& run) {
  if (is_calibrated(row_, run)) return;
  CalibrateOptions calibration;
  calibration.runs = run.folders();
  calibration.views = row_.views;
  calibration.mix = options_.mix;
  calibration.scores = row_.scores.empty() ? std::vector<std::string>{kPlainScore} : row_.scores;
  calibration.folders = options_.folders;
  calibration.runtime = options_.runtime;
  calibration.print = ResultForm::none;
  calibration.memo = options_.memo;
  calibrate(calibration);
}

/// By the row's rule, from the run's own held-out images.
Taus RowMeasurement::calibrated_taus(const StudyRun& run) {
  calibrate_run(run);
  const Run calibrated = Run::open(run.folder());
  DecisionOptions decision;
  decision.tau_rules = row_.thresholds;
  decision = with_calibrated_taus(calibrated, decision, calibrated_scores(calibrated));
  const Taus fixed = fixed_taus(row_);  // of a level without a rule
  return {decision.tau.super.value_or(fixed.super), decision.tau.sub.value_or(fixed.sub)};
}

RowTaus RowMeasurement::taus() {
  if (row_.thresholds.empty()) {
    const Taus fixed = fixed_taus(row_);
    return {std::vector<Taus>(runs_.folds.size(), fixed), std::vector<Taus>(runs_.without.size(), fixed),
            fixed};
  }
  if (!row_.scores.empty()) calibrate_run(runs_.last);
  std::vector<Taus> of_folds, of_without;
  for (const StudyRun& fold : runs_.folds) of_folds.push_back(calibrated_taus(fold));
  if (row_.novel_superclasses != NovelSuperclasses::left_out) {
    return cross_fitted_taus(of_folds, runs_.without.size());
  }
  for (const auto& [name, run] : runs_.without) of_without.push_back(calibrated_taus(run));
  return cross_fitted_taus(of_folds, of_without);
}

/// Evaluates a run into its evaluation.json.
void RowMeasurement::evaluate_run(const StudyRun& run, const Taus& taus, bool novelty_scores) {
  EvaluateOptions evaluation;
  evaluation.runs = run.folders();
  evaluation.views = row_.views;
  evaluation.decision = decision_at(row_, taus);
  evaluation.folders = options_.folders;
  evaluation.novelty_scores = novelty_scores;
  evaluation.runtime = options_.runtime;
  evaluation.print = ResultForm::none;
  evaluation.memo = options_.memo;
  evaluate(evaluation);
}

void RowMeasurement::predict_images(const Taus& taus, Json& json) const {
  if (options_.images.empty()) return;
  PredictOptions prediction;
  prediction.runs = runs_.last.folders();
  prediction.views = row_.views;
  prediction.images = options_.images;
  prediction.out = runs_.folder / "predictions.csv";
  prediction.replace = true;  // the study's own
  prediction.decision = decision_at(row_, taus);
  prediction.allow_held_out = !row_.retrain;  // the plan says so
  prediction.runtime = options_.runtime;
  prediction.memo = options_.memo;
  predict(prediction);
  json["predictions"] = describe_predictions(prediction.out, Run::open(runs_.last.folder()).classes());
}

/// Measures the folds, and with them, where the row asks for it, the novelty scores.
std::vector<Measured> RowMeasurement::measure_folds(const RowTaus& taus, Json& json) {
  std::vector<Measured> folds;
  for (std::size_t i = 0; i < runs_.folds.size(); ++i) {
    const fs::path file = runs_.folds[i].folder() / "evaluation.json";
    evaluate_run(runs_.folds[i], taus.folds[i], row_.novelty_scores);
    folds.push_back(read_measured(file));
    json["folds"].push_back(to_json(folds.back()));
    if (!row_.novelty_scores) continue;
    const Json evaluation = read_json(file);
    for (const char* part : {"novelty", "closed_set"}) json["folds"].back()[part] = evaluation.at(part);
  }
  return folds;
}

Json RowMeasurement::at(const RowTaus& taus) {
  Json json;
  const std::vector<Measured> folds = measure_folds(taus, json);
  evaluate_run(runs_.last, taus.last, false);
  const Measured last = read_measured(runs_.last.folder() / "evaluation.json");
  json["last"] = to_json(last);
  std::vector<Measured> without;
  for (std::size_t i = 0; i < runs_.without.size(); ++i) {
    const auto& [name, run] = runs_.without[i];
    evaluate_run(run, taus.without[i], false);
    without.push_back(read_measured(run.folder() / "evaluation.json"));
    json["without"][name] = to_json(without.back());
  }
  const bool left_out = row_.novel_superclasses == NovelSuperclasses::left_out;
  const std::vector<Measured>& far = left_out ? without : folds;
  json["estimate"] = to_json(estimate(last, folds, far, options_.mix));
  for (std::size_t i = 0; i < folds.size(); ++i) {
    json["estimate_by_fold"].push_back(
        to_json(estimate(last, {folds[i]}, {far[i % far.size()]}, options_.mix)));
  }
  return json;
}

}  // namespace

Json measured_row(const RowRuns& runs, const RowOptions& options) {
  const fs::path file = runs.folder / "result.json";
  const Json inputs = inputs_of(runs, options);

  const std::vector<const StudyRun*> all = runs.all();
  if (std::all_of(all.begin(), all.end(), [&file](const StudyRun* run) { return is_of_now(file, *run); })) {
    const Json before = read_result(file);
    const bool predicted = options.images.empty() || fs::exists(runs.folder / "predictions.csv");
    if (predicted && before.value("inputs", Json()) == inputs) return before;
  }
  remark("{}: measuring\n", runs.title());
  make_folder("--out", runs.folder);
  RowMeasurement measurement(runs, options);
  const RowTaus taus = measurement.taus();
  Json json = measurement.at(taus);
  measurement.predict_images(taus.last, json);
  double seconds = 0;
  for (const StudyRun* run : runs.all()) seconds += seconds_of(*run);
  json["training_seconds"] = seconds;
  if (Run::open(runs.last.folder()).classes().has_one_level()) json["one_level"] = true;
  json["inputs"] = inputs;
  write_json(file, json);
  return json;
}

}  // namespace tern
