// tern calibrate --score, and what the other commands make of RUN/scores.safetensors.
#include "apps/measure/scores_file.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <map>

#include "apps/measure/calibrate.h"
#include "apps/measure/calibration_file.h"
#include "apps/measure/evaluate.h"
#include "apps/measure/predict.h"
#include "apps/measure/predictor.h"
#include "engine/core/check.h"
#include "engine/io/csv.h"
#include "engine/io/file.h"
#include "tests/support/files.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

std::vector<std::string> settings(const std::string& more) {
  return {"approach=two_models",   "epochs=1",      "cifar=small", "cifar_count=8", "hold_out=true",
          "hold_out_fraction=0.2", "split_seed=42", more};
}

const test::TinyRun& trained() {
  static const test::TinyRun run(settings("seed=1"));
  return run;
}

const test::TinyRun& trained_otherwise() {
  static const test::TinyRun run(settings("seed=2"));
  return run;
}

CalibrateOptions calibration(std::vector<std::string> scores,
                             std::vector<fs::path> runs = {trained().run()}) {
  CalibrateOptions options;
  options.runs = std::move(runs);
  options.scores = std::move(scores);
  options.print = ResultForm::none;
  options.runtime.threads = 1;
  return options;
}

PredictOptions prediction(std::vector<fs::path> runs = {trained().run()}) {
  PredictOptions options;
  options.replace = true;
  options.runs = std::move(runs);
  options.images = trained() / "data/test_images";
  options.out = trained() / "predictions.csv";
  options.allow_held_out = true;
  options.runtime.threads = 1;
  return options;
}

/// The validation images' confidences at a level, straight from what the models say.
std::vector<float> confidences(const std::vector<fs::path>& runs, Level level,
                               const std::string& views = {}) {
  Predictor predictor(open_ensemble(runs), {}, views, Device::cpu());
  const EnsembleData data = load_ensemble_data(predictor.runs, {});
  ScoredParts scored = score_parts(predictor.models, data, true, WithTraining::no);
  if (predictor.confidence) predictor.confidence->add_to(predictor.runs, scored);
  return scored.validation.confidences[level];
}

}  // namespace

TEST_CASE("scores_file: what was fitted decides again, without the training images") {
  for (const std::string score :
       {"max_logit", "temperature_scaled", "energy", "gen", "react", "knn", "mahalanobis",
        "relative_mahalanobis", "normalized_relative_mahalanobis", "knn+max_logit+normalized_mahalanobis"}) {
    CAPTURE(score);
    CHECK(calibrate(calibration({score})) == 0);
    CHECK(text_of(calibrated_scores(Run::open(trained().run())).sub, Level::sub) == score);
    const std::vector<float> values = confidences({trained().run()}, Level::sub);
    const Run run = Run::open(trained().run());
    CHECK(values.size() > 10);
    for (const float value : values) {
      CHECK(value >= 0);
      CHECK(value < 1);
    }
    // The thresholds in calibration.json are of these confidences: as many seen images are kept.
    const Json json = read_json(trained() / "run/calibration.json");
    CHECK(json.at("settings").at("score").at("sub") == score);
    const auto mean = json.at("sub").at("groups").at("seen").at("mean").get<double>();
    CHECK(mean > 0.2);
    CHECK(mean < 0.8);
  }
}

TEST_CASE("scores_file: a threshold for all that lose at most a share of the known images") {
  CalibrateOptions options = calibration({"super=max_softmax", "sub=energy"});
  options.target_rate = 0.5;
  calibrate(options);
  Predictor predictor(open_ensemble({trained().run()}), {}, "", Device::cpu());
  const Json json = read_json(trained() / "run/calibration.json");
  std::map<std::string, double> taus;
  for (const Json& candidate : json.at("sub").at("candidates"))
    taus[candidate.at("rule")] = candidate.at("tau");
  CHECK(predictor.decision.tau.sub == taus.at("seen_target"));
  CHECK(predictor.decision.tau.super == predictor.runs.front().config.tau_super);  // the largest probability
  options.rules = {"best"};
  CHECK_THROWS_WITH_AS(calibrate(options), Contains("--rule: wanted one of p10_seen, p5_seen"), Error);
  options.rules = {"sub=p10_seen"};
  calibrate(options);
  CHECK(read_json(trained() / "run/calibration.json").at("settings").at("rule").at("super") == "seen_target");
  CHECK(Predictor(open_ensemble({trained().run()}), {}, "", Device::cpu()).decision.tau.sub ==
        taus.at("p10_seen"));
  DecisionOptions asked;
  asked.tau.sub = 0.25;
  CHECK(Predictor(open_ensemble({trained().run()}), asked, "", Device::cpu()).decision.tau.sub == 0.25);
}

TEST_CASE("scores_file: a superclass decided by the subclass model's score") {
  calibrate(calibration({"super=sub:max_logit", "sub=max_logit"}));
  const auto sub = confidences({trained().run()}, Level::sub),
             super = confidences({trained().run()}, Level::super);
  REQUIRE(sub.size() == super.size());
  // One score in two standards: the same order.
  for (std::size_t i = 0; i < sub.size(); ++i) CHECK((sub[i] < sub[0]) == (super[i] < super[0]));
}

TEST_CASE("scores_file: predict and evaluate decide by the score, max_softmax by the probability") {
  calibrate(calibration({"super=max_softmax", "sub=relative_mahalanobis"}));
  PredictOptions options = prediction();
  options.decision.tau.sub = 1;  // no confidence is 1
  predict(options);
  const CsvTable none = read_csv(options.out);
  for (std::size_t i = 0; i < none.rows.size(); ++i) CHECK(none.integer(i, 2) == 6);
  options.decision.scores = {"max_softmax"};
  options.decision.tau.sub = 0;
  predict(options);
  const std::string plain = read_text_file(options.out);
  fs::remove(scores_file(Run::open(trained().run())));
  options.decision.scores = {};
  predict(options);
  CHECK(read_text_file(options.out) == plain);

  calibrate(calibration({"super=max_softmax", "sub=relative_mahalanobis"}));
  EvaluateOptions evaluation;
  evaluation.runs = {trained().run()};
  evaluation.print = ResultForm::none;
  evaluate(evaluation);
  const Json json = read_json(trained() / "run/evaluation.json");
  CHECK(json.at("settings").at("score_sub") == "relative_mahalanobis");
  CHECK_FALSE(json.at("settings").contains("score_super"));
  const Json& scores = json.at("novelty").at("sub").at("near").at("scores");
  CHECK(scores.at("calibrated").at("auroc_percent").get<double>() ==
        doctest::Approx(scores.at("relative_mahalanobis").at("auroc_percent").get<double>()));
  CHECK_FALSE(json.at("novelty").at("super").at("far").at("scores").contains("calibrated"));
}

TEST_CASE("scores_file: calibrating again keeps the choice; max_softmax gives it up") {
  calibrate(calibration({"energy"}));
  calibrate(calibration({}));
  CHECK(read_json(trained() / "run/calibration.json").at("settings").at("score").at("super") == "energy");
  calibrate(calibration({"max_softmax"}));
  CHECK_FALSE(fs::exists(trained() / "run/scores.safetensors"));
  CHECK(read_json(trained() / "run/calibration.json").at("settings").at("score").at("super") ==
        "max_softmax");
}

TEST_CASE(
    "scores_file: two runs and a mirrored view answer together, and one alone does not answer for them") {
  const std::vector<fs::path> both{trained().run(), trained_otherwise().run()};
  CalibrateOptions options = calibration({"max_logit"}, both);
  options.views = "flip";
  calibrate(options);
  const auto together = confidences(both, Level::sub, "flip");
  CHECK(together.size() == 12);
  PredictOptions asked = prediction(both);
  asked.views = "flip";
  CHECK(predict(asked) == 0);
  CHECK(
      test::error_of([] { predict(prediction()); }) ==
      fmt::format(
          "{0}/scores.safetensors: wanted a calibration with --views none (tern calibrate --run {0} --score "
          "max_logit), got flip",
          trained().run().string()));
  asked.runs = {trained().run()};
  CHECK(test::error_of([&] {
          predict(asked);
        }).find("wanted a calibration of this run's models as they are now") != std::string::npos);
  asked.runs = {both[1], both[0]};
  asked.decision.scores = {"max_logit"};
  CHECK(test::error_of([&] { predict(asked); })
            .find("scores.safetensors: wanted a calibration of max_logit at the super "
                  "level") != std::string::npos);
}

TEST_CASE("scores_file: a score that is the same for all images is refused with its level and another way") {
  const test::TinyRun sure({"epochs=16", "learning_rate=5e-3", "rotation_degrees=0"});
  CHECK_THROWS_WITH_AS(
      calibrate(calibration({"temperature_scaled"}, {sure.run()})),
      "--score temperature_scaled at the super level: wanted images that it tells apart; max_logit or "
      "max_softmax "
      "may do (another score at this level, or --score sub=temperature_scaled for the other alone), got a "
      "temperature of 0.01, the lowest that is searched, at which every probability is 0 or 1: the images "
      "that it "
      "is fitted to are all answered rightly",
      Error);
  const test::TinyRun one({"epochs=1"}, test::TinyData::one_level);
  const auto both = calibration({"any-class=temperature_scaled", "class=temperature_scaled"}, {one.run()});
  CHECK_THROWS_WITH_AS(calibrate(both), Contains("at the any-class level: "), Error);
  CHECK_THROWS_WITH_AS(calibrate(both), Contains("or --score class=temperature_scaled for the other alone"),
                       Error);
  CHECK(calibrate(calibration({"temperature_scaled"}, {one.run()})) == 0);  // of the classes alone
}

TEST_CASE("scores_file: what is not there, of other models, or damaged") {
  calibrate(calibration({"max_softmax"}));
  const fs::path file = trained() / "run/scores.safetensors";
  PredictOptions options = prediction();
  options.decision.scores = {"sub=knn"};
  CHECK(test::error_of([&] { predict(options); }) ==
        fmt::format("{}: wanted a calibration of knn at the sub level (tern calibrate --run {} --score "
                    "super=max_softmax "
                    "--score sub=knn), got none",
                    file.string(), trained().run().string()));
  calibrate(calibration({"super=max_softmax", "sub=knn"}));
  CHECK(predict(options) == 0);
  options.decision.scores = {"sub=vim"};
  CHECK_THROWS_WITH_AS(predict(options), Contains("got one of knn"), Error);
  options.decision.scores = {};
  options.decision.mask_untrained = false;
  CHECK_THROWS_WITH_AS(predict(options), Contains("--mask-untrained: wanted true"), Error);
  options.decision.mask_untrained.reset();

  const std::string whole = read_text_file(file);
  fs::copy_file(file, trained_otherwise() / "run/scores.safetensors", fs::copy_options::overwrite_existing);
  CHECK_THROWS_WITH_AS(predict(prediction({trained_otherwise().run()})),
                       Contains("got one of other models, or of before they were trained further"), Error);
  fs::remove(trained_otherwise() / "run/scores.safetensors");
  write_file(file, whole.substr(0, whole.size() / 2));
  CHECK_THROWS_WITH_AS(predict(options), Contains("scores.safetensors"), Error);
  write_file(file, whole);
  // Thresholds of another score than the one that decides.
  const fs::path thresholds = trained() / "run/calibration.json";
  Json json = read_json(thresholds);
  json["settings"]["score"]["sub"] = "energy";
  write_json(thresholds, json);
  CHECK_THROWS_WITH_AS(predict(options), Contains("calibration.json sub: wanted thresholds of knn"), Error);
  fs::remove(thresholds);
  CHECK_THROWS_WITH_AS(predict(options),
                       Contains("wanted thresholds for --score (made by tern calibrate), got no file"),
                       Error);
  calibrate(calibration({"max_softmax"}));
}

TEST_CASE("scores_file: details of each image, taus by class, and both levels at once") {
  CalibrateOptions options = calibration({"sub=max_logit", "super=max_softmax"});
  options.mix = TestMix{20, 50, 30};
  options.per_class = true;
  calibrate(options);
  const Json json = read_json(trained() / "run/calibration.json");
  CHECK(json.at("settings").at("rule") ==
        Json{{"super", "best_expected_accuracy"}, {"sub", "best_expected_accuracy"}});
  CHECK(json.at("settings").at("mix_percent") == Json({20.0, 50.0, 30.0}));
  Predictor predictor(open_ensemble({trained().run()}), {}, "", Device::cpu());
  CHECK(predictor.decision.class_taus.sub.size() == 7);
  CHECK(predictor.decision.class_taus.super.empty());  // the largest probability at the settings' tau
  CHECK_FALSE(predictor.decision.joint);

  PredictOptions asked = prediction();
  asked.details = true;
  asked.decision.joint = true;
  predict(asked);
  const CsvTable csv = read_csv(asked.out);
  CHECK(csv.header == std::vector<std::string>{"image", "superclass_index", "subclass_index",
                                               "superclass_confidence", "superclass_p_value",
                                               "superclass_second_index", "subclass_confidence",
                                               "subclass_p_value", "subclass_second_index"});
  for (std::size_t row = 0; row < csv.rows.size(); ++row) {
    for (const char* level : {"superclass_", "subclass_"}) {
      const auto number = [&](const char* name) {
        return csv.number(row, csv.column(level + std::string(name)));
      };
      CHECK(number("p_value") > 0);
      CHECK(number("p_value") <= 1);
      CHECK(number("confidence") >= 0);
      CHECK(number("second_index") != number("index"));
    }
    const std::int64_t super = csv.integer(row, 1), sub = csv.integer(row, 2);
    CHECK((sub == 6 || sub / 2 == super));
  }

  EvaluateOptions evaluation;
  evaluation.runs = {trained().run()};
  evaluation.decision.joint = true;
  evaluation.novelty_scores = false;
  evaluation.print = ResultForm::none;
  evaluate(evaluation);
  const Json measured = read_json(trained() / "run/evaluation.json");
  CHECK(measured.at("settings").at("joint") == true);
  CHECK(measured.at("balanced_hierarchical_distance_edges").contains("novel_subclass"));

  fs::remove(trained() / "run/calibration.json");
  asked.decision.scores = {"max_softmax"};
  CHECK_THROWS_WITH_AS(predict(asked),
                       Contains("wanted probabilities for --joint (made by tern calibrate), got no file"),
                       Error);
  calibrate(calibration({"max_softmax"}));
}
