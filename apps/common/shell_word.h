// Paths in commands that a user may paste.
#pragma once

#include <string>

namespace tern {

/// `text` as a POSIX shell takes it for one word: as it is where nothing in it means anything to a shell, else in single quotes.
std::string shell_word(const std::string& text);

}  // namespace tern
