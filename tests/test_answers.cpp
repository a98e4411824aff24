// What thresholds make of logits.
#include "apps/measure/answers.h"

#include <doctest/doctest.h>

#include "engine/core/check.h"
#include "tests/support/temporary_folder.h"

using namespace tern;
using doctest::Contains;

TEST_CASE("answers: thresholds and masks of the settings, unless the command line says otherwise") {
  const Config config = make_config({"tau_super=0.6", "tau_sub=0.7", "mask_untrained_logits=false"});
  const Decision own = resolve_decision(config, {});
  CHECK(own.tau.super == 0.6);
  CHECK(own.tau.sub == 0.7);
  CHECK_FALSE(own.mask_untrained);
  const Decision other = resolve_decision(config, {{0.1, 0.2}, true});
  CHECK(other.tau.super == 0.1);
  CHECK(other.tau.sub == 0.2);
  CHECK(other.mask_untrained);
}

TEST_CASE("answers: untrained classes are masked, and below tau is novel") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  run.summary["classes"] = {{"superclass_names", {"a", "b", "novel"}},
                            {"subclass_names", {"c", "d", "novel"}},
                            {"subclass_to_super", {0, 1, 2}},
                            {"superclass_trained", {1, 1, 0}},
                            {"subclass_trained", {1, 0, 1}}};
  const std::vector<float> logits{0, 5, 4, /**/ 0, 0.5f, 0};
  Scores scores;
  scores.logits = {logits, logits};
  const Answers masked = answer_level(run, {{0.9, 0.9}, true}, Level::super, scores);
  CHECK(masked.classes == std::vector<std::int32_t>{1, 2});  // 2: the novel class, for want of confidence
  CHECK(masked.most_probable.classes == std::vector<std::int32_t>{1, 1});
  CHECK(answer_level(run, {{0.9, 0.9}, false}, Level::super, scores).classes[0] ==
        2);  // .73 with the third column
  CHECK(answer_level(run, {{0.9, 0.9}, true}, Level::sub, scores).classes[0] == 2);
}

TEST_CASE("answers: consistent subclasses lie in the answered superclass, novel ones in any") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  run.summary["classes"] = {{"superclass_names", {"a", "b", "novel"}},
                            {"subclass_names", {"a0", "a1", "b0", "novel"}},
                            {"subclass_to_super", {0, 0, 1, 2}},
                            {"superclass_trained", {1, 1, 1}},
                            {"subclass_trained", {1, 1, 1, 1}}};
  Decision decision{{0.6, 0.2}, true, true};
  //                                  a, a1   a, b0 far over a0   novel, a1   b, novel
  const Scores scores{{{5, 0, 0, /**/ 5, 0, 0, /**/ 0, 0, 5, /**/ 0, 5, 0},
                       {0, 5, 0, 0, /**/ 3, 0, 6, 0, /**/ 0, 5, 0, 0, /**/ 4, 0, 0, 3}},
                      {},
                      0};
  const ByLevel<Answers> answers = answer_levels(run, decision, scores);
  CHECK(answers.super.classes == std::vector<std::int32_t>{0, 0, 2, 1});
  CHECK(answers.sub.classes == std::vector<std::int32_t>{1, 3, 3, 3});  // a0 has .05 of the second row
  decision.tau.sub = 0.01;
  CHECK(answer_levels(run, decision, scores).sub.classes == std::vector<std::int32_t>{1, 0, 3, 3});
  decision.consistent = false;
  CHECK(answer_levels(run, decision, scores).sub.classes == std::vector<std::int32_t>{1, 2, 1, 0});
  decision.consistent = true;
  CHECK_THROWS_WITH_AS(answer_levels(run, decision, {{{}, scores.logits.sub}, {}, 0}),
                       Contains("--consistent: wanted models of both levels"), Error);
}

TEST_CASE("answers: a tau of each class's own") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  run.summary["classes"] = {{"superclass_names", {"a", "b", "novel"}},
                            {"subclass_names", {"c", "d", "novel"}},
                            {"subclass_to_super", {0, 1, 2}},
                            {"superclass_trained", {1, 1, 1}},
                            {"subclass_trained", {1, 1, 1}}};
  Decision decision{{0.9, 0.9}, true};
  decision.class_taus.sub = {0.5, 0.99, 0.5};
  Scores scores;
  scores.logits.sub = {2, 0, 0, /**/ 0, 2, 0, /**/ 0, 0, 2};  // .79 for the largest
  CHECK(answer_level(run, decision, Level::sub, scores).classes == std::vector<std::int32_t>{0, 2, 2});
  scores.confidences.sub = {0.4f, 1, 1};
  CHECK(answer_level(run, decision, Level::sub, scores).classes == std::vector<std::int32_t>{2, 1, 2});
}

TEST_CASE("answers: both levels at once contradict each other never, and follow the probabilities") {
  const test::TemporaryFolder folder;
  Run run = Run::create(folder / "run", Config{});
  run.summary["classes"] = {{"superclass_names", {"a", "b", "novel"}},
                            {"subclass_names", {"a0", "a1", "b0", "b1", "novel"}},
                            {"subclass_to_super", {0, 0, 1, 1, 2}},
                            {"superclass_trained", {1, 1, 1}},
                            {"subclass_trained", {1, 1, 1, 1, 1}}};
  Decision decision{{0.5, 0.5}, true};
  // P(novel) = 1 / (1 + exp(-z)), z the log-odds of the confidence.
  decision.joint = JointCalibration{{0, 1, 1, 0, 0.5}, {0, 1, 1, 0, 0.5}};
  Scores scores;
  scores.logits = {{5, 0, 0, /**/ 5, 0, 0, /**/ 0, 0, 5, /**/ 5, 0, 0},
                   {9, 0, 0, 0, 0, /**/ 0, 0, 9, 0, 0, /**/ 9, 0, 0, 0, 0, /**/ 9, 0, 0, 0, 0}};
  scores.confidences = {{0.95f, 0.95f, 0.95f, 0.95f}, {0.95f, 0.95f, 0.95f, 0.05f}};
  const ByLevel<Answers> answers = answer_levels(run, decision, scores);
  CHECK(answers.super.classes == std::vector<std::int32_t>{0, 0, 2, 0});
  CHECK(answers.sub.classes[0] == 0);
  CHECK(answers.sub.classes[1] < 2);  // b0 is not in a
  CHECK(answers.sub.classes[2] == 4);
  CHECK(answers.sub.classes[3] == 4);  // novel, but an a
  for (const float right : answers.sub.confidences) {
    CHECK(right > 0);
    CHECK(right <= 1);
  }
}
