#include "kernels/common/emulator/program/code.h"

#include <algorithm>

namespace tern::emulator {
namespace {

bool opens(const Token& token) {
  return token.is("(") || token.is("[") || token.is("{");
}

bool closes(const Token& token) {
  return token.is(")") || token.is("]") || token.is("}");
}

int angles_of(const Token& token) {
  return token.is(">>>") ? 3 : token.is(">") ? 1 : 0;
}

/// "if", "else" and so on of a line of the preprocessor.
std::string_view directive_name(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" \t", 1);
  if (begin == line.npos) return {};
  const std::size_t end = line.find_first_not_of("abcdefghijklmnopqrstuvwxyz_", begin);
  return line.substr(begin, end == line.npos ? line.npos : end - begin);
}

}  // namespace

Code::Code(const std::vector<Token>& tokens, Scope outer) : tokens_(&tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    if (tokens[i].kind != Token::Kind::space && tokens[i].kind != Token::Kind::directive)
      places_.push_back(i);
  }
  find_scopes(outer);
}

/// Branches of #if open the same braces again: each begins with those that were open before the first.
void Code::find_scopes(Scope outer) {
  std::vector<Scope> open{outer};
  std::vector<std::vector<Scope>> before_branches;
  std::size_t at = 0;
  for (std::size_t token = 0; token < tokens_->size(); ++token) {
    if ((*tokens_)[token].kind == Token::Kind::directive) {
      const std::string_view name = directive_name((*tokens_)[token].text);
      if (name == "if" || name == "ifdef" || name == "ifndef") before_branches.push_back(open);
      if (before_branches.empty()) continue;
      if (name == "else" || name == "elif") open = before_branches.back();
      if (name == "endif") before_branches.pop_back();
      continue;
    }
    if (at == places_.size() || places_[at] != token) continue;
    if (is(at, "}") && open.size() > 1) open.pop_back();
    scopes_.push_back(open.back());
    if (is(at, "{")) open.push_back(scope_of_brace(at, open.back()));
    ++at;
  }
}

Scope Code::scope_of_brace(std::size_t brace, Scope around) const {
  if (around == Scope::function || around == Scope::initializer) return around;
  std::size_t i = statement_begin(brace);
  while (is(i, "template") && is(i + 1, "<")) {
    const std::size_t end = closing_angle(i + 1);
    if (end == kNone) break;
    i = end + 1;
  }
  bool is_type = false;
  for (; i < brace; i = std::max(i + 1, after_attribute(i))) {
    if (is(i, "namespace")) return Scope::outside;
    if (is(i, "extern") && (*this)[i + 1].kind == Token::Kind::text && i + 2 == brace) return Scope::outside;
    if (is(i, "struct") || is(i, "class") || is(i, "union") || is(i, "enum")) is_type = true;
    const bool is_attribute = after_attribute(i) != i;
    if (is(i, "(") && !is_attribute) return Scope::function;
    if (is(i, "=")) return Scope::initializer;
  }
  return is_type ? Scope::type : Scope::initializer;
}

std::size_t Code::closing(std::size_t i) const {
  int depth = 0;
  for (; i < size(); ++i) {
    if (opens((*this)[i])) ++depth;
    if (closes((*this)[i]) && --depth == 0) return i;
  }
  return kNone;
}

std::size_t Code::opening(std::size_t i) const {
  int depth = 0;
  for (++i; i-- > 0;) {
    if (closes((*this)[i])) ++depth;
    if (opens((*this)[i]) && --depth == 0) return i;
  }
  return kNone;
}

std::size_t Code::opening_angle(std::size_t i) const {
  int depth = 0;
  for (++i; i-- > 0;) {
    depth += angles_of((*this)[i]);
    if (is(i, "<") && --depth == 0) return i;
    if (is(i, ";") || is(i, "{") || is(i, "}") || is(i, "(") || is(i, "[")) return kNone;
    if (is(i, ")") || is(i, "]")) {
      i = opening(i);
      if (i == kNone) return kNone;
    }
  }
  return kNone;
}

std::size_t Code::closing_angle(std::size_t i) const {
  int depth = 0;
  for (; i < size(); ++i) {
    if (is(i, "<")) ++depth;
    depth -= angles_of((*this)[i]);
    if (depth <= 0) return i;
    if (is(i, ";") || is(i, "{") || is(i, "}") || is(i, ")") || is(i, "]")) return kNone;
    if (is(i, "(") || is(i, "[")) {
      i = closing(i);
      if (i == kNone) return kNone;
    }
  }
  return kNone;
}

std::size_t Code::statement_begin(std::size_t i) const {
  while (i > 0 && !is(i - 1, ";") && !is(i - 1, "{") && !is(i - 1, "}")) {
    const bool is_label = is(i - 1, ":") && i > 1 && (is(i - 2, "public") || is(i - 2, "private"));
    if (is_label) break;
    --i;
  }
  return i;
}

std::size_t Code::statement_end(std::size_t i) const {
  for (; i < size() && !is(i, ";"); ++i) {
    if (!opens((*this)[i])) continue;
    i = closing(i);
    if (i == kNone) return size();
  }
  return i;
}

std::size_t Code::after_attribute(std::size_t i) const {
  for (const std::string_view name :
       {"__align__", "alignas", "__attribute__", "__launch_bounds__", "decltype"}) {
    if (!is(i, name) || !is(i + 1, "(")) continue;
    const std::size_t end = closing(i + 1);
    return end == kNone ? i : end + 1;
  }
  return i;
}

std::string Code::text(std::size_t begin, std::size_t end) const {
  std::string text;
  for (std::size_t i = begin; i < end; ++i) {
    const bool joined = i == begin || !((*this)[i].is_word() && (*this)[i - 1].is_word());
    text += (joined ? "" : " ") + std::string((*this)[i].text);
  }
  return text;
}

std::vector<std::string> Code::declared_names(std::size_t begin, std::size_t end) const {
  std::vector<std::string> names;
  std::string last;
  bool has_name = false;  // of this declarator
  bool in_type = true;    // where < opens a list of arguments
  bool in_record = false;
  for (std::size_t i = begin; i <= end; ++i) {
    if (i == end || is(i, ",")) {
      if (!last.empty()) names.push_back(last);
      last.clear();
      has_name = in_type = false;
      continue;
    }
    const std::size_t next = after_attribute(i);
    if (next != i) {
      i = next - 1;
    } else if (is(i, "[") || is(i, "{") || is(i, "(")) {
      const bool is_body = is(i, "{") && in_record;
      in_record = false;
      has_name = has_name || is(i, "[");
      i = std::min(closing(i), end - 1);
      if (is_body) last.clear();
    } else if (is(i, "<") && in_type && closing_angle(i) != kNone) {
      i = closing_angle(i);
    } else if (is(i, "=")) {
      has_name = true;
    } else if (is_word(i) && !has_name) {
      last = (*this)[i].text;
      in_record = in_record || last == "struct" || last == "union" || last == "class" || last == "enum";
    }
  }
  return names;
}

std::string Code::parameter_name(std::size_t begin, std::size_t end) const {
  static constexpr std::string_view kQualifiers[] = {"const", "volatile", "struct", "typename"};
  static constexpr std::string_view kTypes[] = {"unsigned", "signed",       "char",       "short",   "int",
                                                "long",     "float",        "double",     "bool",    "void",
                                                "auto",     "__restrict__", "__restrict", "restrict"};
  const auto is_one_of = [this](std::size_t i, auto& words) {
    return std::find(std::begin(words), std::end(words), (*this)[i].text) != std::end(words);
  };
  std::string name;
  bool has_type = false;
  for (std::size_t i = begin; i < end && !is(i, "="); ++i) {
    if (is(i, "<") && closing_angle(i) != kNone) i = closing_angle(i);
    if (opens((*this)[i])) i = std::min(closing(i), end - 1);
    if (!is_word(i) || is_one_of(i, kQualifiers)) continue;
    const bool is_name = has_type && !is(i - 1, "::") && !is_one_of(i, kTypes);
    if (is_name) name = (*this)[i].text;
    has_type = true;
  }
  return name;
}

std::string Code::parameter_names(std::size_t begin, std::size_t end) const {
  std::string names;
  for (std::size_t i = begin, first = begin; i <= end; ++i) {
    if (i < end && is(i, "<") && closing_angle(i) != kNone) i = closing_angle(i);
    if (i < end && opens((*this)[i])) i = std::min(closing(i), end);
    if (i < end && !is(i, ",")) continue;
    names += parameter_name(first, i) + (i < end ? "," : "");
    first = i + 1;
  }
  return names.find_first_not_of(',') == names.npos ? "" : names;
}

}  // namespace tern::emulator
