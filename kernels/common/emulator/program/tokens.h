// C++ and CUDA source as tokens: just enough of the language to find a launch, a declaration and where it ends, whatever
// comments, strings and lines of the preprocessor lie between.
#pragma once

#include <string_view>
#include <vector>

namespace tern::emulator {

struct Token {
  enum class Kind { space, word, number, text, sign, directive };
  Kind kind =
      Kind::space;  ///< space: comments, too; text: strings and characters; directive: up to the line's end
  std::string_view text;  ///< of the source; a sign is one character, but for "::", "->", "<<<" and ">>>"
  int line = 1;           ///< of its first character

  bool is(std::string_view wanted) const { return text == wanted && kind != Kind::text; }
  bool is_word() const { return kind == Kind::word; }
};

/// Tokens whose texts, one after another, are the source, but for spaces within <<< and >>>, which come after them. `source` must outlive
/// them. `first_line`: of its first character.
std::vector<Token> tokens_of(std::string_view source, int first_line = 1);

}  // namespace tern::emulator
