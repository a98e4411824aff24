// What tern predict says of each image, before a table or a page is made of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/measure/predictor.h"
#include "data/dataset.h"
#include "engine/io/file.h"

namespace tern {

/// Of one level, by image.
struct PredictionDetails {
  /// What tau is held against, with Decision::consistent in a subclass of the superclass that was answered; 0 where the
  /// most probable class is the novel one.
  std::vector<double> confidences;
  std::vector<double> alone;     ///< the same whatever the other level answers
  std::vector<double> p_values;  ///< of `alone` among held-out known images, which are scored so; empty for a
                                 ///< level that was not calibrated
  std::vector<std::int32_t>
      second_choices;  ///< the most probable class but for the answer; -1 if there is none
};

struct Predictions {
  ByLevel<Answers> answers;
  ByLevel<PredictionDetails> details;  ///< empty unless they were asked for

  /// The level that knows the image least, by `alone`; of equals the subclass level.
  Level least_known(std::int64_t image) const;
  /// 1 less the confidence of that level alone.
  double novelty(std::int64_t image) const;
};

/// `scores`: of both levels, with the confidences of the predictor's scores.
Predictions make_predictions(const Predictor& predictor, const Scores& scores, bool with_details);

/// Which columns there are beside image, superclass_index and subclass_index.
struct PredictionColumns {
  bool names = false;  ///< superclass, subclass
  bool probabilities =
      false;             ///< of each level: the softmax value of the most probable class that may be answered
  bool details = false;  ///< of each level: PredictionDetails::confidences, p-value, second choice
};

/// A header and a row an image, in the order of `names`. The table is never whole in memory.
void write_predictions(AtomicFile& file, const std::vector<std::string>& names, const ClassTable& classes,
                       const Predictions& predictions, const PredictionColumns& columns);

}  // namespace tern
