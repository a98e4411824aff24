// How often each kind of image is answered rightly, wrongly and "novel" at one level's threshold.
#pragma once

#include <optional>

#include "apps/measure/answers.h"
#include "engine/metrics/accuracy.h"

namespace tern {

struct LevelRates {
  double tau = 0;
  NoveltyCounts validation;             ///< novel: the CIFAR images
  std::optional<NoveltyCounts> pseudo;  ///< of held-out subclasses. Superclass level: all are seen there.
                                        ///< Subclass level: all count as novel
  std::optional<NoveltyCounts> pseudo_super;  ///< of a superclass never trained on: all count as novel
};

/// The answers of both levels to the images of each part.
struct PartAnswers {
  ByLevel<Answers> validation, pseudo_novel, pseudo_novel_super;
};

LevelRates level_rates(const StudyData& data, Level level, double tau, const PartAnswers& answers);

}  // namespace tern
