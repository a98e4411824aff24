#include "apps/study/row.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "apps/measure/calibrate.h"
#include "apps/measure/calibration_file.h"
#include "apps/measure/evaluate.h"
#include "apps/measure/predict.h"
#include "apps/measure/scores_file.h"
#include "apps/study/cross_fitted_taus.h"
#include "apps/study/result_json.h"
#include "apps/train/train.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"

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
  const ByLevel<std::optional<ScoreChoice>> wanted = parse_scores(row.scores);
  return now.super == wanted.super.value_or(ScoreChoice{}) && now.sub == wanted.sub.value_or(ScoreChoice{});
}

void train_missing(const StudyRun& run, const RowOptions& options) {
  for (const Training& member : run.members) {
    if (is_trained(member)) continue;
    if (options.before_training) options.before_training(run, member);
    TrainOptions training;
    training.config = member.config;
    training.sets = member.sets;
    training.folders = options.folders;
    training.out = member.folder;
    training.weights = member.weights;
    training.runtime = options.runtime;
    training.resume = fs::exists(member.folder);
    train(training);
  }
}

void calibrate_run(const StudyRow& row, const StudyRun& run, const RowOptions& options) {
  if (is_calibrated(row, run)) return;
  CalibrateOptions calibration;
  calibration.runs = run.folders();
  calibration.views = row.views;

  calibration.mix = options.mix;
  calibration.scores = row.scores.empty() ? std::vector<std::string>{kPlainScore} : row.scores;
  calibration.folders = options.folders;
  calibration.runtime = options.runtime;
  calibration.print = false;
  calibrate(calibration);
}

/// Of a row's rule, from the run's own held-out images.
Taus calibrated_taus(const RowRuns& runs, const StudyRun& run, const RowOptions& options) {
  calibrate_run(*runs.row, run, options);
  const Run calibrated = Run::open(run.folder());

  DecisionOptions decision;
  decision.tau_rule = runs.row->threshold;
  decision = with_calibrated_taus(calibrated, decision, calibrated_scores(calibrated));
  return {decision.tau.super.value(), decision.tau.sub.value()};
}

Taus fixed_taus(const StudyRow& row) {
  const Config config = row.resolved();
  return {config.tau_super, config.tau_sub};
}

RowTaus taus_of(const RowRuns& runs, const RowOptions& options) {
  const StudyRow& row = *runs.row;
  if (row.threshold.empty()) {
    const Taus fixed = fixed_taus(row);

    return {std::vector<Taus>(runs.folds.size(), fixed), std::vector<Taus>(runs.without.size(), fixed),
            fixed};
  }
  if (!row.scores.empty()) calibrate_run(row, runs.last, options);
  std::vector<Taus> of_folds, of_without;
  for (const StudyRun& fold : runs.folds) of_folds.push_back(calibrated_taus(runs, fold, options));
  if (row.novel_superclasses != NovelSuperclasses::left_out) {
    return cross_fitted_taus(of_folds, runs.without.size());
  }
  for (const auto& [name, run] : runs.without) of_without.push_back(calibrated_taus(runs, run, options));
  return cross_fitted_taus(of_folds, of_without);
}

/// Evaluates a run into its evaluation.json.
void evaluate_run(const RowRuns& runs, const StudyRun& run, const Taus& taus, bool novelty_scores,
                  const RowOptions& options) {
  EvaluateOptions evaluation;
  evaluation.runs = run.folders();
  evaluation.views = runs.row->views;

  evaluation.decision = decision_at(*runs.row, taus);
  evaluation.folders = options.folders;
  evaluation.novelty_scores = novelty_scores;
  evaluation.runtime = options.runtime;
  evaluation.print = false;
  evaluate(evaluation);
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
               {"threshold", runs.row->threshold},
               {"consistent", runs.row->consistent},
               {"score", runs.row->scores},
               {"novelty_scores", runs.row->novelty_scores},
               {"images", fs::weakly_canonical(options.images).string()}};
  if (runs.row->threshold.empty()) {
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
  std::int64_t novel_super = 0, novel_sub = 0, contradicting = 0;
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    const std::int64_t super = csv.integer(row, csv.column("superclass_index"));
    const std::int64_t sub = csv.integer(row, csv.column("subclass_index"));
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

void predict_images(const RowRuns& runs, const Taus& taus, const RowOptions& options, Json& json) {
  if (options.images.empty()) return;
  PredictOptions prediction;
  prediction.runs = runs.last.folders();
  prediction.views = runs.row->views;

  prediction.images = options.images;
  prediction.out = runs.folder / "predictions.csv";
  prediction.decision = decision_at(*runs.row, taus);
  prediction.allow_held_out = !runs.row->retrain;  // the plan says so
  prediction.runtime = options.runtime;
  predict(prediction);
  json["predictions"] = describe_predictions(prediction.out, Run::open(runs.last.folder()).classes());
}

/// Measures the folds, and with them, where the row asks for it, the novelty scores.
std::vector<Measured> measure_folds(const RowRuns& runs, const RowTaus& taus, const RowOptions& options,
                                    Json& json) {
  std::vector<Measured> folds;
  for (std::size_t i = 0; i < runs.folds.size(); ++i) {
    const fs::path file = runs.folds[i].folder() / "evaluation.json";
    evaluate_run(runs, runs.folds[i], taus.folds[i], runs.row->novelty_scores, options);
    folds.push_back(read_measured(file));
    json["folds"].push_back(to_json(folds.back()));
    if (!runs.row->novelty_scores) continue;
    const Json evaluation = read_json(file);
    for (const char* part : {"novelty", "closed_set"}) json["folds"].back()[part] = evaluation.at(part);
  }
  return folds;
}

/// Measures every run at its taus.
Json measure(const RowRuns& runs, const RowTaus& taus, const RowOptions& options) {
  Json json;
  const std::vector<Measured> folds = measure_folds(runs, taus, options, json);
  evaluate_run(runs, runs.last, taus.last, false, options);
  const Measured last = read_measured(runs.last.folder() / "evaluation.json");
  json["last"] = to_json(last);
  std::vector<Measured> without;
  for (std::size_t i = 0; i < runs.without.size(); ++i) {
    const auto& [name, run] = runs.without[i];
    evaluate_run(runs, run, taus.without[i], false, options);
    without.push_back(read_measured(run.folder() / "evaluation.json"));
    json["without"][name] = to_json(without.back());
  }
  const bool left_out = runs.row->novel_superclasses == NovelSuperclasses::left_out;
  const std::vector<Measured>& far = left_out ? without : folds;
  json["estimate"] = to_json(estimate(last, folds, far, options.mix));
  for (std::size_t i = 0; i < folds.size(); ++i) {
    json["estimate_by_fold"].push_back(
        to_json(estimate(last, {folds[i]}, {far[i % far.size()]}, options.mix)));
  }
  return json;
}

Json measure_and_predict(const RowRuns& runs, const RowOptions& options) {
  const fs::path file = runs.folder / "result.json";
  const Json inputs = inputs_of(runs, options);

  const std::vector<const StudyRun*> all = runs.all();
  if (std::all_of(all.begin(), all.end(), [&file](const StudyRun* run) { return is_of_now(file, *run); })) {
    const Json before = read_json(file);
    const bool predicted = options.images.empty() || fs::exists(runs.folder / "predictions.csv");
    if (predicted && before.value("inputs", Json()) == inputs) return before;
  }
  fmt::print("{}: measuring\n", runs.title());
  std::fflush(stdout);
  fs::create_directories(runs.folder);
  const RowTaus taus = taus_of(runs, options);
  Json json = measure(runs, taus, options);
  predict_images(runs, taus.last, options, json);
  double seconds = 0;
  for (const StudyRun* run : runs.all()) seconds += seconds_of(*run);
  json["training_seconds"] = seconds;
  json["inputs"] = inputs;
  write_json(file, json);
  return json;
}

/// Throws Error if the run was begun from other weights than the plan's now.
void check_weights(const Run& trained, const Training& run) {
  if (!trained.summary.contains("inputs")) return;  // it has not begun
  const WeightSource before = trained.weights();
  const fs::path now = run.weights.empty() ? fs::path() : fs::absolute(run.weights.file).lexically_normal();
  if (now == before.file && run.weights.key == before.key) return;
  const auto text = [](const fs::path& file, const std::string& key) {
    if (file.empty()) return std::string("none");
    return file.string() + (key.empty() ? "" : " (key " + key + ")");
  };
  throw Error(run.folder.string() + " --weights", text(before.file, before.key) + " as before",
              text(now, run.weights.key));
}

}  // namespace

bool is_trained(const Training& training) {
  if (!fs::exists(training.folder / "summary.json")) return false;
  const Run trained = Run::open(training.folder);
  const Config config = read_config(training.config, training.sets);
  try {
    check_resumable(trained.config, config);
  } catch (const Error& error) {
    const std::string text = error.what(), prefix = "--resume ";
    throw Error(training.folder.string(), "was trained with other settings than the plan's now: " +
                                              text.substr(text.starts_with(prefix) ? prefix.size() : 0));
  }
  check_weights(trained, training);
  return trained.summary.value("status", "") == "complete" && trained.config.epochs == config.epochs;
}

Json complete_row(const RowRuns& runs, const RowOptions& options) {
  for (const StudyRun* run : runs.all()) {
    try {
      train_missing(*run, options);
    } catch (const Stopped&) {
      throw Stopped(fmt::format("{}, {}", runs.title(), run->title), "stopped; the same command goes on");
    } catch (const Error& error) {
      throw Error(fmt::format("{}, {}", runs.title(), run->title), error.what());
    }
  }
  try {
    return measure_and_predict(runs, options);
  } catch (const Error& error) {
    throw Error(runs.title(), error.what());
  } catch (const Json::exception&) {
    throw Error((runs.folder / "result.json").string(), "what tern study wrote there", "other JSON");
  }
}

}  // namespace tern
