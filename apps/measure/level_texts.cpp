#include "apps/measure/level_texts.h"

#include "engine/core/check.h"

namespace tern {

std::optional<Level> level_named(const std::string& text) {
  for (const Level level : kLevels) {
    if (text == name_of(level)) return level;
  }
  return std::nullopt;
}

ByLevel<std::optional<std::string>> texts_by_level(const std::string& option,
                                                   const std::vector<std::string>& texts) {
  ByLevel<std::optional<std::string>> by_level;
  for (const std::string& text : texts) {
    const std::string where = option + " " + text;
    const auto set = [&](Level level, const std::string& value) {
      if (by_level[level]) throw Error(where, "one for each level", std::string("two for ") + name_of(level));
      by_level[level] = value;
    };
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos) {
      for (const Level level : kLevels) set(level, text);
      continue;
    }
    const std::string name = text.substr(0, equals);
    const std::optional<Level> level = level_named(name);
    if (!level) throw Error(where, "super or sub for a level", "\"" + name + "\"");
    set(*level, text.substr(equals + 1));
  }
  return by_level;
}

}  // namespace tern
