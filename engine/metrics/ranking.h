// Rows of two kinds in the order of their scores: what ROC and OSCR curves are made of.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "engine/core/check.h"

namespace tern {

/// All rows of one score. `positive` counts only rows with a flag, where there are flags.
struct ScoreGroup {
  double score = 0;
  std::int64_t positive = 0;
  std::int64_t negative = 0;
};

/// Throws Error{subject, ...} if `scores` is empty or holds NaN. `group`: "seen", "novel", ...
inline void check_scores(const char* subject, const char* group, std::span<const double> scores) {
  if (scores.empty()) throw Error(subject, std::string("at least one ") + group + " score", "none");
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::isnan(scores[i])) {
      throw Error(subject, std::string("numbers for the ") + group + " scores",
                  "NaN at row " + std::to_string(i));
    }
  }
}

/// The distinct scores, falling. An empty `counted` counts every positive row, else those with a flag.
inline std::vector<ScoreGroup> rank_scores(std::span<const double> positive, std::span<const double> negative,
                                           std::span<const std::uint8_t> counted = {}) {
  std::vector<ScoreGroup> rows;
  rows.reserve(positive.size() + negative.size());
  for (std::size_t i = 0; i < positive.size(); ++i) {
    rows.push_back({positive[i], counted.empty() || counted[i] != 0 ? 1 : 0, 0});
  }
  for (const double score : negative) rows.push_back({score, 0, 1});
  std::sort(rows.begin(), rows.end(),
            [](const ScoreGroup& a, const ScoreGroup& b) { return a.score > b.score; });
  std::vector<ScoreGroup> groups;
  for (const ScoreGroup& row : rows) {
    if (groups.empty() || groups.back().score != row.score) groups.push_back({row.score, 0, 0});
    groups.back().positive += row.positive;
    groups.back().negative += row.negative;
  }
  return groups;
}

/// P(score of a positive row > that of a negative) + P(equal) / 2, of at least one of each; scores fall.
inline double auroc_of_ranked(std::span<const ScoreGroup> groups) {
  // Twice the number of (positive, negative) pairs in the right order, ties counted half: exact in integers.
  std::int64_t pairs = 0, positives = 0, negatives = 0;
  for (const ScoreGroup& group : groups) {
    pairs += group.negative * (2 * positives + group.positive);
    positives += group.positive;
    negatives += group.negative;
  }
  return static_cast<double>(pairs) / 2 / static_cast<double>(positives) / static_cast<double>(negatives);
}

}  // namespace tern
