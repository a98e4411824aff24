#include "apps/measure/score_choice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "apps/measure/level_texts.h"
#include "engine/core/check.h"
#include "models/novelty_scores.h"

namespace tern {
namespace {

Level parse_level(const std::string& name, const std::string& whole, bool one_level) {
  const std::optional<Level> level = level_named(name, one_level);
  if (!level) {
    throw Error("--score " + whole, std::string(level_names(one_level)) + " for a level", "\"" + name + "\"");
  }
  return *level;
}

ScoreTerm parse_term(std::string text, Level level, const std::string& whole, bool one_level) {
  ScoreTerm term{level, {}};
  if (const std::size_t colon = text.find(':'); colon != std::string::npos) {
    term.of = parse_level(text.substr(0, colon), whole, one_level);
    text = text.substr(colon + 1);
  }
  const std::vector<std::string>& names = novelty_score_names();
  if (std::find(names.begin(), names.end(), text) == names.end()) {
    throw Error("--score " + whole, fmt::format("sums of {}", fmt::join(names, ", ")), "\"" + text + "\"");
  }
  term.name = text;
  return term;
}

ScoreChoice parse_sum(const std::string& text, Level level, bool one_level) {
  ScoreChoice choice;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find('+', begin), text.size());
    ScoreTerm term = parse_term(text.substr(begin, end - begin), level, text, one_level);
    if (std::find(choice.terms.begin(), choice.terms.end(), term) != choice.terms.end()) {
      throw Error("--score " + text, "each score once", term.name + " twice");
    }
    choice.terms.push_back(std::move(term));
    begin = end + 1;
  }
  if (choice == ScoreChoice{{{level, kPlainScore}}}) return {};
  return choice;
}

}  // namespace

ByLevel<std::optional<ScoreChoice>> parse_scores(std::vector<std::string> texts, bool one_level) {
  for (std::string& text : texts) {
    if (one_level && text.find('=') == std::string::npos) text = "class=" + text;
  }
  const ByLevel<std::optional<std::string>> sums = texts_by_level("--score", texts, one_level);
  ByLevel<std::optional<ScoreChoice>> choices;
  for (const Level level : kLevels) {
    if (sums[level]) choices[level] = parse_sum(*sums[level], level, one_level);
  }
  return choices;
}

std::string text_of(const ScoreChoice& choice, Level level) {
  if (choice.terms.empty()) return kPlainScore;
  std::string text;
  for (const ScoreTerm& term : choice.terms) {
    if (!text.empty()) text += "+";
    if (term.of != level) text += fmt::format("{}:", name_of(term.of));
    text += term.name;
  }
  return text;
}

std::vector<std::string> names_of(const ByLevel<ScoreChoice>& choices, Level of) {
  std::vector<std::string> names;
  for (const Level level : kLevels) {
    for (const ScoreTerm& term : choices[level].terms) {
      if (term.of == of && std::find(names.begin(), names.end(), term.name) == names.end())
        names.push_back(term.name);
    }
  }
  return names;
}

}  // namespace tern
