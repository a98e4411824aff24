// What people call the levels of classes. Where there is one level of them (ClassTable::has_one_level()), the subclass level
// is that of "classes", and the superclass level says whether an image is of any of them; texts leave it out where there are
// no novel images to tell that from. Options and JSON keep "super" and "sub".
#pragma once

#include "data/levels.h"

namespace tern {

/// Before "level".
inline const char* level_word(Level level, bool one_level) {
  if (!one_level) return name_of(level);
  return level == Level::super ? "any-class" : "class";
}

inline const char* classes_word(Level level, bool one_level) {
  if (one_level) return level == Level::super ? "any class" : "classes";
  return level == Level::super ? "superclasses" : "subclasses";
}

}  // namespace tern
