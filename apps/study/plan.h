// The plan of a study: which rows, with which settings and seeds, and how novel classes are imitated. TOML:
//
//   title
//   seeds, folds, leave_superclasses_out, novelty_scores             of every row
//   [test_mix_percent]   seen, novel_subclass, novel_superclass: shares of the images to be predicted
//   [settings]           keys of `tern train --help-config`, over those of a row's file
//   [[row]]              name, title, config, settings, threshold, score, retrain, consistent, weights, seeds,
//                        folds, leave_superclasses_out, novelty_scores, novel_superclasses, compare_with,
//                        published, views; members in place of config, settings, weights and the like
//
// apps/configs/study_quick.toml is a plan whose keys are explained; study_best.toml has members, views and score.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "apps/measure/test_mix.h"
#include "apps/run/config.h"
#include "engine/metrics/accuracy.h"

namespace tern {

/// Accuracies of one level in percent: over all images, those of known classes, those of novel ones.
struct LevelAccuracy {
  Percent overall, seen, unseen;
};

/// What stands for a novel superclass in estimates and where tau is calibrated.
enum class NovelSuperclasses {
  held_out_groups,  ///< the CIFAR groups that a fold holds out
  left_out          ///< each superclass in turn; the row has leave_superclasses_out
};

struct StudyRow {
  std::string name;               ///< of its folder: letters, digits, - and _
  std::string title;              ///< what tables say
  std::filesystem::path config;   ///< of a row with members: the first one's
  std::vector<std::string> sets;  ///< "key=value", of the plan and then of the row
  /// Of --tau-rule: rules of tern calibrate (apps/measure/level_texts.h); empty: the settings' tau_super and tau_sub.
  std::vector<std::string> thresholds;
  std::vector<std::string> scores;   ///< of --score (score_choice.h); empty: the largest probability
  bool retrain = true;               ///< false: the last run holds classes out, as the settings say
  bool consistent = false;           ///< answers of the two levels may not contradict each other
  std::string views;                 ///< of parse_views(): what each image is shown as
  std::vector<std::string> members;  ///< rows before this one whose runs answer together; empty: its own do

  std::string weights;  ///< name of a file given with --weights NAME=FILE; empty: the one without
  std::vector<std::int64_t> seeds;
  std::int64_t folds = 0;  ///< 0: unseen classes are not estimated
  bool leave_superclasses_out = false;
  bool novelty_scores = true;  ///< measure every score on each fold
  NovelSuperclasses novel_superclasses = NovelSuperclasses::held_out_groups;
  std::string compare_with;  ///< the row from which this one differs in one factor; may be empty
  LevelAccuracy published_super, published_sub;

  Config resolved() const { return read_config(config, sets); }
};

struct StudyPlan {
  std::filesystem::path file;
  std::string title;
  TestMix mix;
  std::vector<StudyRow> rows;
};

/// Throws Error{FILE:LINE key, ...} for what is no TOML, unknown keys, wrong types and ranges, rows without
/// name or config, two rows of one name; Error{FILE row NAME, ...} for settings that read_config refuses.
StudyPlan read_plan(const std::filesystem::path& file);

}  // namespace tern
