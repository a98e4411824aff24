// The rates of a made-up evaluation of both levels.
#pragma once

#include <string>

#include "apps/measure/evaluation.h"

namespace tern::test {

inline NoveltyCounts counts_of(int right, int wrong, int called_novel, int novel_found, int novel_missed) {
  NoveltyCounts counts;
  for (int i = 0; i < right; ++i) counts.add(0, 0, 3);
  for (int i = 0; i < wrong; ++i) counts.add(0, 1, 3);
  for (int i = 0; i < called_novel; ++i) counts.add(0, 3, 3);
  for (int i = 0; i < novel_found; ++i) counts.add(3, 3, 3);
  for (int i = 0; i < novel_missed; ++i) counts.add(3, 0, 3);
  return counts;
}

inline Evaluation example_evaluation() {
  Evaluation evaluation;
  evaluation.settings = {{"tau_super", 0.99}, {"approach", std::string("two_models")}};
  evaluation.rates.super = LevelRates{0.99, counts_of(6, 1, 3, 4, 1), counts_of(3, 0, 1, 0, 0), std::nullopt};
  evaluation.rates.sub =
      LevelRates{0.85, counts_of(5, 0, 0, 0, 0), counts_of(0, 0, 0, 3, 1), counts_of(0, 0, 0, 6, 2)};
  return evaluation;
}

}  // namespace tern::test
