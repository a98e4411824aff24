// One level of a run's models without thresholds: how good and how calibrated on known classes, and how well
// each novelty score tells novel images from seen ones: near (held-out subclasses), far (a novel superclass,
// trained on) and far held out (a novel superclass, not trained on) apart.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "apps/measure/level_groups.h"
#include "engine/metrics/accuracy.h"
#include "engine/metrics/bootstrap.h"
#include "engine/metrics/calibration.h"
#include "engine/metrics/roc.h"

namespace tern {

/// On seen images, the answer being the most probable known class.
struct ClosedSet {
  std::int64_t images = 0;
  Percent accuracy, balanced_accuracy;
  double nll = 0, ece = 0;  ///< as the model is, on all of them
  std::vector<ReliabilityBin> bins;
  double temperature = 1;                     ///< of least NLL on one random half
  double held_out_nll = 0, held_out_ece = 0;  ///< on the other half, as the model is,
  double scaled_nll = 0, scaled_ece = 0;      ///< and with the temperature
};

struct ScoreMetrics {
  std::string name;  ///< of novelty_score_names(), or "calibrated": the one that decides
  NoveltyMetrics metrics;
  double oscr = 0;
  Interval auroc;              ///< with its 95 % interval over resampled images
  double aurc = 0, augrc = 0;  ///< over seen and novel images: a failure is a wrong answer, or a novel image
  std::string unavailable;     ///< why there are none, if there are none
};

/// Of seen images against one kind of novel ones.
struct NoveltySet {
  std::string name;  ///< of novel_kinds()
  std::int64_t seen = 0, novel = 0;
  std::vector<ScoreMetrics> scores;
};

struct LevelReport {
  Level level = Level::super;
  ClosedSet closed_set;
  std::vector<NoveltySet> novelty;
};

/// One run of an ensemble at one level.
struct LevelMember {
  std::vector<LevelGroups> views;  ///< with features; the first one with the training part
  HeadFunction head;
  std::vector<float> origin;  ///< StudyModels::head_origin()
};

/// `groups`: of the ensemble. A score of several members and views is the mean over members, each standardised by its
/// seen images, of the mean over views. Without members no score is reported. Throws Error if there are no seen images
/// or no training rows.
LevelReport make_level_report(const LevelGroups& groups, const std::vector<LevelMember>& members,
                              std::uint64_t seed);

}  // namespace tern
