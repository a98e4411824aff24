#include "apps/common/toml_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/utf8.h"

namespace tern {
namespace {

/// Counts the dots of each line that are in no text and no comment.
class Dots {
 public:
  explicit Dots(std::string_view text) : text_(text) {}

  /// The first line, from 1, that has more than `most`; 0 if there is none.
  std::int64_t line_with_more_than(int most) {
    std::int64_t line = 1;
    for (int dots = 0; at_ < text_.size();) {
      const char letter = text_[at_];
      if (letter == '"' || letter == '\'') {
        line += skip_string(letter);
        continue;
      }
      if (letter == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      if (letter == '\n') ++line, dots = 0;
      if (letter == '.' && ++dots > most) return line;
      ++at_;
    }
    return 0;
  }

 private:
  bool is_triple(char quote) const { return text_.substr(at_, 3) == std::string(3, quote); }

  /// Behind a text, which may have lines of its own, whose number this is.
  std::int64_t skip_string(char quote) {
    const bool triple = is_triple(quote);
    std::int64_t lines = 0;
    for (at_ += triple ? 3 : 1; at_ < text_.size(); ++at_) {
      const char letter = text_[at_];
      if (letter == '\n' && !triple) break;  // no TOML
      lines += letter == '\n';
      if (letter == '\\' && quote == '"') {
        lines += text_.substr(at_, 2) == "\\\n";
        ++at_;
      } else if (letter == quote && (!triple || is_triple(quote))) {
        at_ += triple ? 3 : 1;
        // Up to two quotes before the last three are of the text.
        for (int i = 0; triple && i < 2 && at_ < text_.size() && text_[at_] == quote; ++i) ++at_;
        break;
      }
    }
    return lines;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

toml::table read_toml(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, 1 << 20);
  check_is_text(path, text, "a TOML file");
  // A key a.b.c, which stands on one line, makes tables in each other: no settings need many.
  constexpr int kMaxDots = 30;
  if (const std::int64_t line = Dots(text).line_with_more_than(kMaxDots); line != 0) {
    throw Error(fmt::format("{}:{}", path.string(), line), fmt::format("keys of at most {} parts", kMaxDots),
                "more dots");
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw Error(fmt::format("{}:{}", path.string(), error.source().begin.line),
                "no TOML: " + std::string(error.description()));
  }
}

}  // namespace tern
