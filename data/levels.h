// The two levels of classes, and what there is once for each.
#pragma once

#include <array>

namespace tern {

enum class Level { super, sub };
inline constexpr std::array kLevels{Level::super, Level::sub};

inline const char* name_of(Level level) {
  return level == Level::super ? "super" : "sub";
}

template <typename T>
struct ByLevel {
  T super{}, sub{};

  T& operator[](Level level) { return level == Level::super ? super : sub; }
  const T& operator[](Level level) const { return level == Level::super ? super : sub; }
};

}  // namespace tern
