// What accuracy to expect where most classes are unknown, from images of known ones. The images to be
// predicted are of three kinds, in the shares w of the plan's test_mix_percent; each is imitated:
//
//   known subclass                        s: validation images of the last training
//   novel subclass, known superclass      n: the subclasses that a fold holds out
//   novel superclass                      f: CIFAR groups that a fold holds out, or superclasses left out
//
//   overall = w_s s + w_n n + w_f f                  of either level
//   seen    = (w_s s + w_n n) / (w_s + w_n)          of superclasses
//   unseen  = f
//   seen    = s                                      of subclasses
//   unseen  = (w_n n + w_f f) / (w_n + w_f)
//
// s and n of superclasses are right answers; n of subclasses and f of both levels are answers "novel". Folds
// are pooled by their images. Where the last training held subclasses out, they are among the known ones to
// be predicted: it has never a right subclass for them.
#pragma once

#include <cstdint>
#include <vector>

#include "apps/study/plan.h"

namespace tern {

/// One level of a run at its tau; in percent, none where there are no such images.
struct LevelMeasured {
  double tau = 0;
  Percent seen, near, far;
  Percent
      far_trained;  ///< "novel" for validation images of CIFAR groups that were trained on; in no estimate
};

/// What tern evaluate says of a run (read_measured of result_json.h).
struct Measured {
  LevelMeasured super, sub;
  std::int64_t near_images = 0, far_images = 0;
  double trained_share = 1;  ///< of the subclasses: those not held out
};

struct Estimate {
  LevelAccuracy super, sub;
};

/// `folds`: with held-out subclasses; `far`: with novel superclasses, the folds themselves or others. None of
/// a number where a share that counts has no images.
Estimate estimate(const Measured& last, const std::vector<Measured>& folds, const std::vector<Measured>& far,
                  const TestMix& mix);

}  // namespace tern
