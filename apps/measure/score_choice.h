// Which novelty score decides at each level, as --score says it:
//
//   NAME                  for both levels: one of models/novelty_scores.h
//   A+B                   the sum of standardised scores
//   super=A  sub=A+B      for one level
//   super=sub:A           the score of another level's model: what is far from every subclass is far from every
//                         superclass, too
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/levels.h"

namespace tern {

struct ScoreTerm {
  Level of = Level::super;  ///< whose features and logits
  std::string name;         ///< of novelty_score_names()

  bool operator==(const ScoreTerm&) const = default;
};

inline constexpr const char* kPlainScore = "max_softmax";

/// The terms of a sum. Empty: the largest probability of the level decides, as without any --score.
struct ScoreChoice {
  std::vector<ScoreTerm> terms;

  bool operator==(const ScoreChoice&) const = default;
};

/// Of `texts`, each as above; none for a level that no text is about. "max_softmax" alone gives an empty choice. With one
/// level of classes, class= and class: are sub= and sub:, too (level_texts.h), and a NAME alone is of the classes: what tells images
/// of any class from others has mostly one class, which no score can be fitted to.
/// Throws Error{"--score", ...} for an unknown level or score (with the list), the same term or level twice.
ByLevel<std::optional<ScoreChoice>> parse_scores(std::vector<std::string> texts, bool one_level = false);

/// "sub:knn+max_logit" for the superclass level; "max_softmax" for an empty choice.
std::string text_of(const ScoreChoice& choice, Level level);

/// The names of a level's scores among the terms of both levels, each once.
std::vector<std::string> names_of(const ByLevel<ScoreChoice>& choices, Level of);

}  // namespace tern
