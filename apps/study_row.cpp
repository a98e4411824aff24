#include "apps/study_row.h"

#include <fmt/format.h>

#include <numeric>

#include "apps/calibrate.h"
#include "apps/evaluate.h"
#include "apps/predict.h"
#include "apps/study_estimate.h"
#include "apps/train.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"

namespace tern {
namespace fs = std::filesystem;
namespace {

struct Taus {
  double super = 0, sub = 0;
};

DecisionOptions decision_at(const StudyRow& row, const Taus& taus) {
  DecisionOptions decision;
  decision.tau_super = taus.super;
  decision.tau_sub = taus.sub;
  decision.consistent = row.consistent;
  return decision;
}

bool is_complete(const StudyRun& run) {
  if (!fs::exists(run.folder / "summary.json")) return false;
  const Run trained = Run::open(run.folder);
  check_resumable(trained.config, read_config(run.config, run.sets));
  return trained.summary.value("status", "") == "complete";
}

void train_run(const StudyRun& run, const RowOptions& options) {
  if (is_complete(run)) return;
  if (options.before_training) options.before_training(run);
  TrainOptions training;
  training.config = run.config;
  training.sets = run.sets;
  training.folders = options.folders;
  training.out = run.folder;
  training.weights = run.weights;
  training.runtime = options.runtime;
  training.resume = fs::exists(run.folder);
  train(training);
}

/// Of a row's rule, from the run's own held-out images.
Taus calibrated_taus(const RowRuns& runs, const StudyRun& run, const RowOptions& options) {
  if (!fs::exists(run.folder / "calibration.json")) {
    CalibrateOptions calibration;
    calibration.run = run.folder;
    calibration.folders = options.folders;
    calibration.runtime = options.runtime;
    calibration.print = false;
    calibrate(calibration);
  }
  DecisionOptions decision;
  decision.tau_rule = runs.row->threshold;
  decision = with_calibrated_taus(Run::open(run.folder), decision);
  return {decision.tau_super.value(), decision.tau_sub.value()};
}

Taus mean_of(const std::vector<Taus>& taus) {
  Taus mean;
  for (const Taus& one : taus) {
    mean.super += one.super / static_cast<double>(taus.size());
    mean.sub += one.sub / static_cast<double>(taus.size());
  }
  return mean;
}

/// For each fold the mean of the others' taus: none is measured on the images that chose its threshold. The
/// last: for the last run, the mean of all.
std::vector<Taus> taus_of(const RowRuns& runs, const RowOptions& options) {
  const Config config = runs.row->resolved();
  std::vector<Taus> taus(runs.folds.size() + 1, {config.tau_super, config.tau_sub});
  if (runs.row->threshold.empty()) return taus;
  std::vector<Taus> chosen;
  for (const StudyRun& fold : runs.folds) chosen.push_back(calibrated_taus(runs, fold, options));
  for (std::size_t fold = 0; fold < chosen.size(); ++fold) {
    std::vector<Taus> others = chosen;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(fold));
    taus[fold] = mean_of(others);
  }
  taus.back() = mean_of(chosen);
  return taus;
}

/// Evaluates a run into its evaluation.json.
void evaluate_run(const RowRuns& runs, const StudyRun& run, const Taus& taus, bool novelty_scores,
                  const RowOptions& options) {
  EvaluateOptions evaluation;
  evaluation.run = run.folder;
  evaluation.decision = decision_at(*runs.row, taus);
  evaluation.folders = options.folders;
  evaluation.novelty_scores = novelty_scores;
  evaluation.runtime = options.runtime;
  evaluation.print = false;
  evaluate(evaluation);
}

/// Training and validation seconds of all epochs.
double seconds_of(const StudyRun& run) {
  const CsvTable metrics = read_csv(run.folder / "metrics.csv");
  double seconds = 0;
  for (std::size_t row = 0; row < metrics.rows.size(); ++row) {
    seconds += metrics.number(row, metrics.column("seconds")) +
               metrics.number(row, metrics.column("validation_seconds"));
  }
  return seconds;
}

/// What result.json hangs on besides the runs themselves.
Json inputs_of(const RowRuns& runs, const std::vector<Taus>& taus, const RowOptions& options) {
  Json json = {{"test_mix_percent",
                {{"seen", options.mix.seen},
                 {"novel_subclass", options.mix.novel_subclass},
                 {"novel_superclass", options.mix.novel_superclass}}},
               {"threshold", runs.row->threshold},
               {"consistent", runs.row->consistent},
               {"novelty_scores", runs.row->novelty_scores},
               {"images", options.images.string()}};
  for (const Taus& one : taus) json["taus"].push_back({one.super, one.sub});
  const fs::path study = runs.folder.parent_path().parent_path();
  for (const StudyRun* run : runs.all())
    json["runs"].push_back(run->folder.lexically_relative(study).string());
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
  prediction.run = runs.last.folder;
  prediction.images = options.images;
  prediction.out = runs.folder / "predictions.csv";
  prediction.decision = decision_at(*runs.row, taus);
  prediction.allow_held_out = !runs.row->retrain;  // the plan says so
  prediction.runtime = options.runtime;
  predict(prediction);
  json["predictions"] = describe_predictions(prediction.out, Run::open(prediction.run).classes());
}

/// Measures every run at its taus.
Json measure(const RowRuns& runs, const std::vector<Taus>& taus, const RowOptions& options) {
  Json json;
  std::vector<Measured> folds;
  for (std::size_t i = 0; i < runs.folds.size(); ++i) {
    const fs::path file = runs.folds[i].folder / "evaluation.json";
    evaluate_run(runs, runs.folds[i], taus[i], runs.row->novelty_scores, options);
    folds.push_back(read_measured(file));
    json["folds"].push_back(to_json(folds.back()));
    if (runs.row->novelty_scores) json["folds"].back()["novelty"] = read_json(file).at("novelty");
  }
  evaluate_run(runs, runs.last, taus.back(), false, options);
  const Measured last = read_measured(runs.last.folder / "evaluation.json");
  json["last"] = to_json(last);
  for (const auto& [name, run] : runs.without) {
    evaluate_run(runs, run, taus.back(), false, options);
    json["without"][name] = to_json(read_measured(run.folder / "evaluation.json"));
  }
  json["estimate"] = to_json(estimate(last, folds, options.mix));
  for (const Measured& fold : folds) {
    json["estimate_by_fold"].push_back(to_json(estimate(last, {fold}, options.mix)));
  }
  return json;
}

Json measure_and_predict(const RowRuns& runs, const RowOptions& options) {
  const std::vector<Taus> taus = taus_of(runs, options);
  const fs::path file = runs.folder / "result.json";
  const Json inputs = inputs_of(runs, taus, options);
  if (fs::exists(file)) {
    const Json before = read_json(file);
    const bool predicted = options.images.empty() || fs::exists(runs.folder / "predictions.csv");
    if (predicted && before.value("inputs", Json()) == inputs) return before;
  }
  fmt::print("{}: measuring\n", runs.title());
  std::fflush(stdout);
  fs::create_directories(runs.folder);
  Json json = measure(runs, taus, options);
  predict_images(runs, taus.back(), options, json);
  double seconds = 0;
  for (const StudyRun* run : runs.all()) seconds += seconds_of(*run);
  json["training_seconds"] = seconds;
  json["inputs"] = inputs;
  write_json(file, json);
  return json;
}

}  // namespace

Json complete_row(const RowRuns& runs, const RowOptions& options) {
  for (const StudyRun* run : runs.all()) {
    try {
      train_run(*run, options);
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
