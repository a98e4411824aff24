#include "apps/measure/calibrate.h"

#include <doctest/doctest.h>

#include "apps/measure/calibration_file.h"
#include "apps/measure/evaluate.h"
#include "engine/core/check.h"
#include "tests/support/tiny_run.h"

using namespace tern;
using doctest::Contains;

namespace {

const test::TinyRun& trained() {
  static const test::TinyRun run(
      {"epochs=1", "cifar=small", "cifar_count=8", "hold_out=true", "hold_out_fraction=0.2"});
  return run;
}

CalibrateOptions options_for(const std::filesystem::path& run) {
  CalibrateOptions options;
  options.runs = {run};
  options.runtime.threads = 1;
  return options;
}

}  // namespace

TEST_CASE(
    "calibrate: distributions, thresholds of one half with rates of the other, the reference's beside") {
  CHECK(calibrate(options_for(trained().run())) == 0);
  const Json json = read_json(trained() / "run/calibration.json");
  const Json& sub = json.at("sub");
  CHECK(sub.at("groups").at("seen").at("images") == 10);
  CHECK(sub.at("groups").at("near").at("images") == 8);
  CHECK(sub.at("groups").at("far").at("images") == 2);
  CHECK(sub.at("groups").at("seen").at("percentiles").size() == 9);
  CHECK(sub.at("calibrated_with") == "near");
  CHECK(sub.at("reference").at("seen").at("images") == 12);  // counts CIFAR images as seen
  CHECK(sub.at("reference").at("novel").at("images") == 8);
  CHECK(sub.at("reference").at("candidates").size() == 2);
  const Json& super = json.at("super");
  CHECK(super.at("calibrated_with") == "far");
  CHECK_FALSE(super.at("groups").contains("near"));
  CHECK(super.at("reference").at("seen").at("images") == 10);
  CHECK(super.at("reference").at("candidates").size() == 4);
  for (const char* level : {"super", "sub"}) {
    CHECK(json.at(level).at("candidates").size() >= 7);
    for (const Json& candidate : json.at(level).at("candidates")) {
      CAPTURE(candidate.dump());
      const double tau = candidate.at("tau");
      CHECK(tau >= 0);
      CHECK(tau <= 1);
      CHECK(candidate.at("test_half").at("seen_right_percent") <=
            candidate.at("test_half").at("seen_kept_percent"));
    }
  }
  std::int64_t counted = 0;
  for (const Json& count : sub.at("histogram_images_of_30_bins").at("near"))
    counted += count.get<std::int64_t>();
  CHECK(counted == 8);
}

TEST_CASE("calibrate: evaluate takes a rule's thresholds, those given first") {
  calibrate(options_for(trained().run()));
  const Json json = read_json(trained() / "run/calibration.json");
  const Run run = Run::open(trained().run());
  DecisionOptions wanted;
  wanted.tau_rules = {"p10_seen"};
  wanted.tau.super = 0.5;
  const DecisionOptions found = with_calibrated_taus(run, wanted);
  CHECK(*found.tau.super == 0.5);
  CHECK(*found.tau.sub == json.at("sub").at("candidates").at(0).at("tau"));
  wanted.tau_rules = {"super=p10_seen", "sub=p5_seen"};
  wanted.tau.super.reset();
  const DecisionOptions by_level = with_calibrated_taus(run, wanted);
  CHECK(*by_level.tau.super == json.at("super").at("candidates").at(0).at("tau"));
  CHECK(*by_level.tau.sub == json.at("sub").at("candidates").at(1).at("tau"));
  wanted.tau_rules = {"sub=p5_seen"};
  CHECK_FALSE(with_calibrated_taus(run, wanted).tau.super);
  wanted.tau_rules = {"p5_seen", "sub=p10_seen"};
  CHECK_THROWS_WITH_AS(with_calibrated_taus(run, wanted),
                       Contains("--tau-rule sub=p10_seen: wanted one for each level, got two for sub"),
                       Error);
  wanted.tau.super = 0.5;
  wanted.tau_rules = {"best_guess"};
  CHECK_THROWS_WITH_AS(with_calibrated_taus(run, wanted),
                       Contains("--tau-rule: wanted one of p10_seen, p5_seen, "), Error);
  CHECK_THROWS_WITH_AS(with_calibrated_taus(run, wanted), Contains("calibration.json sub), got best_guess"),
                       Error);
  wanted.tau_rules = {"p10_seen"};
  const auto error_with = [&](const Json& changed) {
    test::write_quickly(trained() / "run/calibration.json", changed.dump());
    return test::error_of([&] { with_calibrated_taus(run, wanted); });
  };
  Json other = json;
  other["sub"]["candidates"][0]["tau"] = 7;
  CHECK(error_with(other).ends_with("calibration.json sub p10_seen: wanted a tau in [0, 1], got 7"));
  other["sub"]["candidates"][0]["tau"] = nullptr;  // JSON's NaN
  CHECK(error_with(other).ends_with(
      "what tern calibrate writes, got other JSON: tern calibrate writes it anew"));
  other = json;
  other["settings"]["epochs"]["two_heads"] = "99";
  CHECK(error_with(other).ends_with(
      "calibration.json: wanted a calibration of this run's models as they are now (tern "
      "calibrate), got one of before they were trained further"));
  CHECK(held_out_confidences(run, {}).sub.empty());
  CHECK(read_candidates(run, Level::sub, {}).empty());
  CHECK_FALSE(is_calibration_of(run, {run.folder()}, ""));
  other = json;
  other.erase("sub");  // no silent fall-back to the settings' tau
  CHECK(error_with(other).ends_with(
      "what tern calibrate writes, got other JSON: tern calibrate writes it anew"));
  test::write_quickly(trained() / "run/calibration.json", json.dump().substr(0, 100));
  CHECK(test::error_of([&] {
          with_calibrated_taus(run, wanted);
        }).ends_with(": tern calibrate writes it anew"));
  test::write_quickly(trained() / "run/calibration.json", R"({"sub": 3})");
  CHECK_THROWS_WITH_AS(with_calibrated_taus(run, wanted), Contains("wanted what tern calibrate writes"),
                       Error);
  std::filesystem::remove(trained() / "run/calibration.json");
  CHECK_THROWS_WITH_AS(
      with_calibrated_taus(run, wanted),
      Contains("calibration.json: wanted thresholds for --tau-rule (made by tern calibrate), got no file"),
      Error);
  CHECK_FALSE(with_calibrated_taus(run, {}).tau.sub);
}

TEST_CASE("calibrate, evaluate: CIFAR groups that are never trained on stand for a novel superclass") {
  const test::TinyRun run({"epochs=1", "cifar=small", "cifar_count=4", "cifar_hold_out_count=6",
                           "cifar_hold_out_groups=[\"trees\"]", "hold_out=true", "hold_out_fraction=0.2"});
  CHECK(calibrate(options_for(run.run())) == 0);
  const Json json = read_json(run / "run/calibration.json");
  CHECK(json.at("super").at("calibrated_with") == "far_held_out");
  CHECK(json.at("sub").at("calibrated_with") == "near");
  CHECK(json.at("super").at("groups").at("far_held_out").at("images") == 6);
  CHECK(json.at("sub").at("candidates").at(0).at("test_half").contains("far_held_out_found_percent"));
  EvaluateOptions options;
  options.runs = {run.run()};
  options.decision.tau.super = options.decision.tau.sub = 1;
  CHECK(evaluate(options) == 0);
  const Json evaluation = read_json(run / "run/evaluation.json");
  CHECK(evaluation.at("pseudo_novel_super").at("super").at("novel_images") == 6);
  CHECK(evaluation.at("pseudo_novel_super").at("sub").at("accuracy_novel_percent") == 100.0);
  CHECK(evaluation.at("novelty").at("super").contains("far_held_out"));
}

TEST_CASE("calibrate: another seed, other halves") {
  CalibrateOptions options = options_for(trained().run());
  calibrate(options);
  const Json before = read_json(trained() / "run/calibration.json");
  calibrate(options);
  CHECK(read_json(trained() / "run/calibration.json") == before);
  options.seed = 7;
  calibrate(options);
  CHECK(read_json(trained() / "run/calibration.json").at("sub").at("groups") ==
        before.at("sub").at("groups"));
  CHECK(read_json(trained() / "run/calibration.json") != before);
}

TEST_CASE("calibrate: a run with nothing novel has the rules of seen images alone") {
  const test::TinyRun plain({"epochs=1"});
  CHECK(calibrate(options_for(plain.run())) == 0);
  const Json json = read_json(plain / "run/calibration.json");
  for (const char* level : {"super", "sub"}) {
    CHECK(json.at(level).at("calibrated_with") == "seen images alone");
    std::vector<std::string> rules;
    for (const Json& candidate : json.at(level).at("candidates")) rules.push_back(candidate.at("rule"));
    CHECK(rules == std::vector<std::string>{"p10_seen", "p5_seen", "mean_minus_deviation", "seen_target"});
  }
  CalibrateOptions by_score = options_for(plain.run());
  by_score.scores = {"energy"};
  CHECK(calibrate(by_score) == 0);
  by_score.rules = {"best_harmonic_mean"};
  CHECK_THROWS_WITH_AS(
      calibrate(by_score),
      Contains("--rule: wanted one of p10_seen, p5_seen, mean_minus_deviation, seen_target at the super "
               "level, got best_harmonic_mean"),
      Error);
}

TEST_CASE("calibrate: a rule that one level lacks, for want of novel images, is taken at the other") {
  const test::TinyRun two({"epochs=1", "hold_out=true", "hold_out_fraction=0.2"});
  CalibrateOptions options = options_for(two.run());
  calibrate(options);
  const Run run = Run::open(two.run());
  const auto tau_of = [&](Level level, const std::string& rule) {
    for (const ThresholdCandidate& candidate : read_candidates(run, level, {}))
      if (candidate.name == rule) return candidate.tau;
    return -1.0;
  };
  CHECK(tau_of(Level::super, "best_harmonic_mean") < 0);  // it has none
  DecisionOptions wanted;
  wanted.tau_rules = {"best_harmonic_mean"};
  const DecisionOptions found = with_calibrated_taus(run, wanted);
  CHECK(*found.tau.super == tau_of(Level::super, "seen_target"));
  CHECK(*found.tau.sub == tau_of(Level::sub, "best_harmonic_mean"));
  wanted.tau_rules = {"super=best_harmonic_mean"};  // for this level alone: nothing else may stand in
  CHECK_THROWS_WITH_AS(with_calibrated_taus(run, wanted),
                       Contains("calibration.json super), got best_harmonic_mean"), Error);
  wanted.tau_rules = {"class=p5_seen"};
  CHECK_THROWS_WITH_AS(with_calibrated_taus(run, wanted),
                       Contains("wanted super or sub for a level, got \"class\""), Error);

  SUBCASE("a rule that decides for a score, and taus by class") {
    options.scores = {"energy"};
    options.rules = {"best_harmonic_mean"};
    options.per_class = true;
    CHECK(calibrate(options) == 0);
    const Json rules = read_json(two / "run/calibration.json").at("settings").at("rule");
    CHECK(rules == Json{{"super", "seen_target"}, {"sub", "best_harmonic_mean"}});
    const ByLevel<ScoreChoice> energy{{{{Level::super, "energy"}}}, {{{Level::sub, "energy"}}}};
    wanted.tau_rules = options.rules;
    const Decision decision = calibrated_decision(run, wanted, energy);
    CHECK(decision.class_taus.super.size() == 4);
    CHECK(decision.class_taus.sub.size() == 7);
    options.rules = {"super=best_harmonic_mean"};
    CHECK_THROWS_WITH_AS(calibrate(options), Contains("at the super level, got best_harmonic_mean"), Error);
  }
  SUBCASE("the rule of a mix") {
    options.scores = {"energy"};
    options.mix = TestMix{20, 80, 0};
    CHECK(calibrate(options) == 0);
    CHECK(read_json(two / "run/calibration.json").at("settings").at("rule") ==
          Json{{"super", "seen_target"}, {"sub", "best_expected_accuracy"}});
    const test::TinyRun plain({"epochs=1"});
    options.runs = {plain.run()};
    CHECK_THROWS_WITH_AS(calibrate(options),
                         "--mix: wanted novel images to find thresholds for it with, got none", Error);
  }
}

TEST_CASE("calibrate: with one level of classes, rules and scores are of classes") {
  const test::TinyRun one({"epochs=1", "hold_out=true", "hold_out_fraction=0.2"}, test::TinyData::one_level);
  CalibrateOptions options = options_for(one.run());
  calibrate(options);
  const Run run = Run::open(one.run());
  const auto taus_by = [&](const std::string& rule) {
    DecisionOptions wanted;
    wanted.tau_rules = {rule};
    return with_calibrated_taus(run, wanted).tau;
  };
  const ByLevel<std::optional<double>> by_both = taus_by("best_harmonic_mean");
  CHECK_FALSE(by_both.super);  // nothing tells images of any class from others
  CHECK(by_both.sub);
  CHECK(taus_by("class=best_harmonic_mean").sub == by_both.sub);
  CHECK(taus_by("sub=best_harmonic_mean").sub == by_both.sub);
  CHECK_THROWS_WITH_AS(taus_by("best_guess"), Contains("calibration.json class), got best_guess"), Error);
  CHECK_THROWS_WITH_AS(taus_by("middle=p5_seen"), Contains("wanted class or any-class for a level"), Error);
  DecisionOptions jointly;
  jointly.joint = true;
  CHECK_THROWS_WITH_AS(
      calibrated_decision(run, jointly),
      Contains("any-class: wanted probabilities of max_softmax for --joint (tern calibrate, with "
               "images of none of the classes"),
      Error);
  options.scores = {"class=energy"};
  options.rules = {"class=best_harmonic_mean"};
  options.mix = TestMix{20, 80, 0};
  CHECK(calibrate(options) == 0);
  Json settings = read_json(one / "run/calibration.json").at("settings");
  CHECK(settings.at("score") == Json{{"super", "max_softmax"}, {"sub", "energy"}});
  CHECK(settings.at("rule").at("sub") == "best_harmonic_mean");
  options.scores = {"max_softmax"};
  options.outliers = 12;  // of images of different classes
  CHECK(calibrate(options) == 0);
  const Json json = read_json(one / "run/calibration.json");
  for (const char* level : {"super", "sub"}) CHECK(json.at(level).at("groups").at("made").at("images") == 12);
  jointly.tau_rules = {"best_harmonic_mean"};
  CHECK(calibrated_decision(run, jointly).joint.has_value());
}

TEST_CASE("calibrate: images made of validation ones stand for novel superclasses") {
  CalibrateOptions options = options_for(trained().run());
  options.outliers = 30;
  options.mix = TestMix{20, 50, 30};
  CHECK(calibrate(options) == 0);
  const Json json = read_json(trained() / "run/calibration.json");
  CHECK(json.at("super").at("calibrated_with") == "made");
  CHECK(json.at("sub").at("calibrated_with") == "near");
  CHECK(json.at("super").at("groups").at("made").at("images") == 30);
  for (const char* level : {"super", "sub"}) {
    CHECK(json.at(level).at("candidates").at(0).at("test_half").contains("made_found_percent"));
  }
  options.scores = {"max_logit"};
  CHECK(calibrate(options) == 0);
  CHECK(read_json(trained() / "run/calibration.json").at("super").at("groups").at("made").at("images") == 30);
  options.scores = {"max_softmax"};
  calibrate(options);
}
