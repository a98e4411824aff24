// RUN/evaluation.json: the numbers of an evaluation, each named with its unit. What nothing was counted for
// is left out.
#pragma once

#include "apps/measure/evaluation.h"
#include "engine/io/json.h"

namespace tern {

Json to_json(const Evaluation& evaluation);

/// Images and rates, without the threshold.
Json counts_json(const NoveltyCounts& counts);
/// A list, an entry per class.
Json classes_json(const ClassReport& report);
/// Up to so many classes evaluation.json has every cell of a confusion matrix, beyond that the pairs that came.
inline constexpr std::int32_t kWholeConfusion = 256;
/// Rows: truth, columns: answers, in the order of the class indices.
Json confusion_json(const ConfusionMatrix& matrix);
/// [truth, answer, images] of each pair that came, in the order of the class indices.
Json confusion_pairs_json(const ConfusionMatrix& matrix);
Json closed_set_json(const ClosedSet& closed_set);
/// By the kind of novel images.
Json novelty_json(const LevelReport& report);

}  // namespace tern
