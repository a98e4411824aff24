#include "engine/metrics/accuracy.h"

#include <string>

#include "engine/core/check.h"

namespace tern {

Percent percent(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return std::nullopt;
  return 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

void NoveltyCounts::add(std::int32_t truth, std::int32_t prediction, std::int32_t novel_index) {
  const bool correct = truth == prediction;
  if (truth == novel_index) {
    ++novel;
    novel_correct += correct;
  } else {
    ++seen;
    seen_correct += correct;
    seen_called_novel += prediction == novel_index;
  }
}

NoveltyCounts count_novelty(std::span<const std::int32_t> truth, std::span<const std::int32_t> predictions,
                            std::int32_t novel_index) {
  if (truth.size() != predictions.size()) {
    throw Error("count_novelty", std::to_string(truth.size()) + " predictions",
                std::to_string(predictions.size()));
  }
  NoveltyCounts counts;
  for (std::size_t i = 0; i < truth.size(); ++i) counts.add(truth[i], predictions[i], novel_index);
  return counts;
}

}  // namespace tern
