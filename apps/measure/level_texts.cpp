#include "apps/measure/level_texts.h"

#include <algorithm>

#include "apps/common/level_words.h"
#include "engine/core/check.h"

namespace tern {

std::optional<Level> level_named(const std::string& text, bool one_level) {
  for (const Level level : kLevels) {
    if (text == name_of(level) || text == level_word(level, one_level)) return level;
  }
  return std::nullopt;
}

const char* level_names(bool one_level) {
  return one_level ? "class or any-class" : "super or sub";
}

ByLevel<std::optional<std::string>> texts_by_level(const std::string& option,
                                                   const std::vector<std::string>& texts, bool one_level) {
  ByLevel<std::optional<std::string>> by_level;
  for (const std::string& text : texts) {
    const std::string where = option + " " + text;
    const auto set = [&](Level level, const std::string& value) {
      if (by_level[level])
        throw Error(where, "one for each level", std::string("two for ") + level_word(level, one_level));
      by_level[level] = value;
    };
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      for (const Level level : kLevels) set(level, text);
      continue;
    }
    const std::string name = text.substr(0, equals);
    const std::optional<Level> level = level_named(name, one_level);
    if (!level) throw Error(where, std::string(level_names(one_level)) + " for a level", "\"" + name + "\"");
    set(*level, text.substr(equals + 1));
  }
  return by_level;
}

bool is_for_both_levels(const std::vector<std::string>& texts) {
  return std::any_of(texts.begin(), texts.end(),
                     [](const std::string& text) { return text.find('=') == std::string::npos; });
}

}  // namespace tern
