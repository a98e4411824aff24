#include "kernels/common/emulator/program/tokens.h"

#include <algorithm>
#include <cctype>
#include <string>

namespace tern::emulator {
namespace {

bool is_word_start(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' ||
         static_cast<unsigned char>(c) >= 0x80;
}

bool is_word_part(char c) {
  return is_word_start(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}

class Reader {
 public:
  Reader(std::string_view source, int line) : source_(source), line_(line) {}

  std::vector<Token> read() {
    while (at_ < source_.size()) {
      const std::size_t begin = at_;
      const int line = line_;
      const Token::Kind kind = skip_token();
      const std::string_view text = source_.substr(begin, at_ - begin);
      line_ += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
      if (text.find('\n') != text.npos) at_line_start_ = true;
      if (kind != Token::Kind::space) at_line_start_ = kind == Token::Kind::directive;
      tokens_.push_back({kind, text, line});
    }
    return std::move(tokens_);
  }

 private:
  bool follows(std::string_view wanted) const { return source_.substr(at_, wanted.size()) == wanted; }
  char peek(std::size_t ahead = 0) const {
    return at_ + ahead < source_.size() ? source_[at_ + ahead] : '\0';
  }
  /// Bytes of a backslash that joins this line with the next, or 0.
  std::size_t continuation() const {
    if (peek() != '\\') return 0;
    if (peek(1) == '\n') return 2;
    return peek(1) == '\r' && peek(2) == '\n' ? 3 : 0;
  }

  bool skip_comment() {
    if (follows("/*")) {
      const std::size_t end = source_.find("*/", at_ + 2);
      at_ = end == source_.npos ? source_.size() : end + 2;
      return true;
    }
    if (!follows("//")) return false;
    while (at_ < source_.size() && peek() != '\n') at_ += std::max<std::size_t>(continuation(), 1);
    return true;
  }

  bool skip_space() {
    const std::size_t begin = at_;
    while (at_ < source_.size()) {
      if (std::isspace(static_cast<unsigned char>(peek())) != 0)
        ++at_;
      else if (const std::size_t joined = continuation())
        at_ += joined;
      else if (!skip_comment())
        break;
    }
    return at_ > begin;
  }

  /// To the end of the logical line; comments may go beyond its end.
  void skip_directive() {
    while (at_ < source_.size() && peek() != '\n') {
      if (const std::size_t joined = continuation())
        at_ += joined;
      else if (peek() == '"' || peek() == '\'')
        skip_quoted(peek());
      else if (!skip_comment())
        ++at_;
    }
  }

  /// A quote without its end, as in text that no compiler sees, ends with the line.
  void skip_quoted(char quote) {
    ++at_;
    while (at_ < source_.size() && peek() != '\n') {
      if (peek() == '\\') {
        at_ += std::max<std::size_t>(continuation(), 2);
      } else if (source_[at_++] == quote) {
        return;
      }
    }
    at_ = std::min(at_, source_.size());
  }

  void skip_raw_string() {
    const std::size_t open = source_.find('(', at_);
    const std::string end =
        open == source_.npos ? "" : ")" + std::string(source_.substr(at_ + 1, open - at_ - 1)) + "\"";
    const std::size_t found = open == source_.npos ? source_.npos : source_.find(end, open);
    at_ = found == source_.npos ? source_.size() : found + end.size();
  }

  Token::Kind skip_word() {
    const std::size_t begin = at_;
    while (is_word_part(peek())) ++at_;
    const std::string_view word = source_.substr(begin, at_ - begin);
    if (peek() == '"' && (word == "R" || word == "LR" || word == "uR" || word == "UR" || word == "u8R")) {
      skip_raw_string();
      return Token::Kind::text;
    }
    return Token::Kind::word;
  }

  void skip_number() {
    while (is_word_part(peek()) || peek() == '.' || (peek() == '\'' && is_word_part(peek(1)))) {
      const char last = source_[at_++];
      const bool is_exponent = last == 'e' || last == 'E' || last == 'p' || last == 'P';
      if (is_exponent && (peek() == '+' || peek() == '-')) ++at_;
    }
  }

  Token::Kind skip_token() {
    if (skip_space()) return Token::Kind::space;
    const char c = peek();
    if (c == '#' && at_line_start_) {
      skip_directive();
      return Token::Kind::directive;
    }
    if (is_word_start(c)) return skip_word();
    const bool is_digit = std::isdigit(static_cast<unsigned char>(c)) != 0;
    if (is_digit || (c == '.' && std::isdigit(static_cast<unsigned char>(peek(1))) != 0)) {
      skip_number();
      return Token::Kind::number;
    }
    if (c == '"' || c == '\'') {
      skip_quoted(c);
      return Token::Kind::text;
    }
    for (const std::string_view sign : {"<<<", ">>>", "::", "->"}) {
      if (!follows(sign)) continue;
      at_ += sign.size();
      return Token::Kind::sign;
    }
    ++at_;
    return Token::Kind::sign;
  }

  std::string_view source_;
  std::size_t at_ = 0;
  int line_;
  bool at_line_start_ = true;
  std::vector<Token> tokens_;
};

/// The next token that is no space, or the end.
std::size_t after(const std::vector<Token>& tokens, std::size_t i) {
  do ++i;
  while (i < tokens.size() && tokens[i].kind == Token::Kind::space);
  return i;
}

/// Three signs of one kind from i on, with spaces between: made one sign before these. Whether they are.
bool join(std::vector<Token>& tokens, std::size_t i, std::string_view one, std::string_view joined) {
  const std::size_t second = after(tokens, i), third = after(tokens, second);
  if (third >= tokens.size() || !tokens[i].is(one) || !tokens[second].is(one) || !tokens[third].is(one))
    return false;
  tokens[i].text = joined;
  for (const std::size_t rest : {second, third}) tokens[rest] = {Token::Kind::space, {}, tokens[rest].line};
  return true;
}

/// From the <<< at i on.
void join_end_of_launch(std::vector<Token>& tokens, std::size_t i) {
  int depth = 0;
  for (i = after(tokens, i); i < tokens.size(); i = after(tokens, i)) {
    const Token& token = tokens[i];
    if (token.is("(") || token.is("[") || token.is("{")) ++depth;
    if ((token.is(")") || token.is("]") || token.is("}")) && --depth < 0) return;
    if (token.is(">>>") || token.is(";")) return;
    if (depth == 0 && token.is(">") && join(tokens, i, ">", ">>>")) return;
  }
}

/// kernel << <blocks, threads >> > (x), as some editors write it and nvcc takes it. No other C++ has three of these in a row but
/// the ends of templates' arguments.
void join_launches(std::vector<Token>& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].is("<<<") || (tokens[i].is("<") && join(tokens, i, "<", "<<<")))
      join_end_of_launch(tokens, i);
  }
}

}  // namespace

std::vector<Token> tokens_of(std::string_view source, int first_line) {
  std::vector<Token> tokens = Reader(source, first_line).read();
  join_launches(tokens);
  return tokens;
}

}  // namespace tern::emulator
