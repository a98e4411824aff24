// Counting right and wrong answers where some inputs belong to no known class and the answer may be "novel".
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace tern {

/// Rates are in percent; none where nothing was counted.
using Percent = std::optional<double>;
Percent percent(std::int64_t part, std::int64_t whole);

/// "Seen" rows are those whose true class is known, "novel" ones those whose true class is the novel index.
struct NoveltyCounts {
  std::int64_t seen = 0;
  std::int64_t seen_correct = 0;
  std::int64_t seen_called_novel = 0;
  std::int64_t novel = 0;
  std::int64_t novel_correct = 0;

  void add(std::int32_t truth, std::int32_t prediction, std::int32_t novel_index);

  std::int64_t total() const { return seen + novel; }
  Percent accuracy() const { return percent(seen_correct + novel_correct, total()); }
  Percent seen_accuracy() const { return percent(seen_correct, seen); }
  Percent novel_accuracy() const { return percent(novel_correct, novel); }
  /// P(predicted novel | seen).
  Percent false_novel_rate() const { return percent(seen_called_novel, seen); }
  /// P(predicted another known class | seen). With the two above it sums to 100.
  Percent misclassified_rate() const { return percent(seen - seen_correct - seen_called_novel, seen); }
  /// 100 - seen accuracy: misclassified rows and those called novel. Some papers call it the false-novel
  /// rate.
  Percent one_minus_accuracy() const { return percent(seen - seen_correct, seen); }
};

/// The counts of a whole set. The spans are equally long.
NoveltyCounts count_novelty(std::span<const std::int32_t> truth, std::span<const std::int32_t> predictions,
                            std::int32_t novel_index);

}  // namespace tern
