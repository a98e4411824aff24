// calibration.json of a run, and what the other commands take from it.
// Link: tern_apps_measure
// Parser: apps/measure/calibration_file.cpp:read_candidates,calibrated,held_out_confidences,is_calibration_of,joint_calibration,checked_,score_of,rule_of,tau_of_rule
#include "apps/measure/calibration_file.h"

#include "tests/fuzz/run_files.h"

using namespace tern;

TERN_FUZZER(calibration) {
  static const fuzz::RunFiles folder;
  static const Run run = folder.open();
  folder.write("calibration.json", input);
  for (const char* views : {"", "flip"}) {
    fuzz::accepted([&] { is_calibration_of(run, {folder.path()}, views); });
  }
  ByLevel<ScoreChoice> plain, by_score;
  for (const Level level : kLevels) by_score[level].terms = {{level, "knn"}};
  for (const ByLevel<ScoreChoice>& choices : {plain, by_score}) {
    for (const Level level : kLevels) {
      fuzz::accepted([&] { read_candidates(run, level, choices[level]); });
    }
    fuzz::accepted([&] { held_out_confidences(run, choices); });
    for (const std::vector<std::string>& rules : {std::vector<std::string>{}, {"best_harmonic_mean"}}) {
      DecisionOptions options;
      options.tau_rules = rules;
      fuzz::accepted([&] { with_calibrated_taus(run, options, choices); });
      options.joint = true;
      fuzz::accepted([&] {
        const Decision decision = calibrated_decision(run, options, choices);
        for (const double novelty : {-20.0, 0.0, 20.0}) {
          const double probability = decision.joint->sub.probability(novelty);
          fuzz::expect(probability >= 0 && probability <= 1, "a probability");
        }
      });
    }
  }
}
