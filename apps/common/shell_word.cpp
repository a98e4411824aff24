#include "apps/common/shell_word.h"

#include <algorithm>
#include <string_view>

namespace tern {

std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "%+,-./:=@_";
  const auto is_plain = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kPlain.find(c) != kPlain.npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return text;
  std::string word = "'";
  for (const char c : text) {
    if (c == '\'') {
      word += R"('\'')";  // ends the quotes, a quote by itself, and begins others
    } else {
      word += c;
    }
  }
  return word + "'";
}

}  // namespace tern
