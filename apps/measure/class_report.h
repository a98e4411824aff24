// Class by class, after the threshold. Superclasses: over the validation images. Subclasses: over these and
// the pseudo-novel ones, whose rows say which known class an image of a held-out one is taken for; for a
// held-out class the right answer is "novel".
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/measure/answers.h"
#include "engine/metrics/confusion.h"

namespace tern {

struct ClassRow {
  std::string name;
  bool held_out = false;
  std::int64_t right = 0;  ///< answers that are right, "novel" for a held-out class
  std::int64_t called_novel = 0;
  ClassRates rates;

  Percent recall() const { return percent(right, rates.images); }
};

struct ClassReport {
  Level level = Level::super;
  std::vector<ClassRow> rows;  ///< by class
  ConfusionMatrix matrix{1};
};

ClassReport make_class_report(const StudyData& data, Level level, const Answers& validation,
                              const Answers& pseudo_novel);

}  // namespace tern
