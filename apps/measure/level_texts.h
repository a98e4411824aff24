// What an option says that may be given for each level: A for both, or super=A and sub=B.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "data/levels.h"

namespace tern {

/// None for another text than "super" and "sub".
std::optional<Level> level_named(const std::string& text);

/// None for a level that no text is about. Throws Error{option, ...} for an unknown level, or two texts for one level.
ByLevel<std::optional<std::string>> texts_by_level(const std::string& option,
                                                   const std::vector<std::string>& texts);

}  // namespace tern
