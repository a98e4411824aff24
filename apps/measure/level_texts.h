// What an option says that may be given for each level: A for both, or super=A and sub=B; where classes have one level
// (apps/common/level_words.h), class=A, too.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/levels.h"

namespace tern {

/// None for another text than "super" and "sub", and with one level of classes "any-class" and "class".
std::optional<Level> level_named(const std::string& text, bool one_level = false);
/// Those that people are to write: "super or sub".
const char* level_names(bool one_level);

/// None for a level that no text is about. Throws Error{option, ...} for an unknown level, or two texts for one level.
ByLevel<std::optional<std::string>> texts_by_level(const std::string& option,
                                                   const std::vector<std::string>& texts,
                                                   bool one_level = false);

/// Whether they name no level: one text for both.
bool is_for_both_levels(const std::vector<std::string>& texts);

}  // namespace tern
