// Class by class, after the threshold: the confusion matrix and a table, as JSON and, the worst rows, for a
// terminal. Superclasses: over the validation images. Subclasses: over these and the pseudo-novel ones, whose
// rows say which known class an image of a held-out one is taken for; for a held-out class the right answer
// is "novel".
#pragma once

#include <string>
#include <vector>

#include "apps/measure/answers.h"
#include "engine/io/json.h"
#include "engine/metrics/confusion.h"

namespace tern {

struct ClassReport {
  Level level = Level::super;
  std::vector<std::string> names;
  std::vector<std::uint8_t> held_out;  ///< by class
  ConfusionMatrix matrix{1};

  Json classes_json() const;
  Json confusion_json() const;  ///< rows: truth, columns: answers, in the order of the class indices
  std::string text(std::size_t most_rows = 10) const;
};

ClassReport make_class_report(const StudyData& data, Level level, const Answers& validation,
                              const Answers& pseudo_novel);

}  // namespace tern
