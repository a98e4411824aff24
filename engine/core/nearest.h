// "Did you mean ...": the known name that is most like the one that was typed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

/// Levenshtein's distance: how many letters to insert, remove or replace to make one word of the other.
std::size_t edit_distance(std::string_view a, std::string_view b);

/// The name of least distance to `typed` (of which 64 letters count), the first of equals. `names` is not
/// empty.
const std::string& nearest_name(std::string_view typed, const std::vector<std::string>& names);

/// " (the nearest is NAME)" where one is so near that it may have been meant: at most a third, rounded up, of the letters typed differ. Else
/// nothing, as of no names.
std::string nearest_remark(std::string_view typed, const std::vector<std::string>& names);

}  // namespace tern
