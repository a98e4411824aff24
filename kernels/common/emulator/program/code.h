// A source's tokens without spaces and the preprocessor's lines, and what lies around each. For the translation alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kernels/common/emulator/program/tokens.h"

namespace tern::emulator {

enum class Scope { outside, type, function, initializer };

class Code {
 public:
  static constexpr std::size_t kNone = ~std::size_t{0};

  /// `outer`: the scope that the whole text lies in.
  Code(const std::vector<Token>& tokens, Scope outer);

  std::size_t size() const { return places_.size(); }
  const Token& operator[](std::size_t i) const { return (*tokens_)[places_[i]]; }
  /// Index among all tokens.
  std::size_t place(std::size_t i) const { return places_[i]; }
  bool is(std::size_t i, std::string_view text) const { return i < size() && (*this)[i].is(text); }
  bool is_word(std::size_t i) const { return i < size() && (*this)[i].is_word(); }
  Scope scope(std::size_t i) const { return scopes_[i]; }

  /// The bracket that closes the one at i, or opens it; kNone if there is none.
  std::size_t closing(std::size_t i) const;
  std::size_t opening(std::size_t i) const;
  /// The < that the > or >>> at i belongs to, and the reverse; kNone if there is none.
  std::size_t opening_angle(std::size_t i) const;
  std::size_t closing_angle(std::size_t i) const;
  /// The first token of the statement that i lies in, and the ; that ends it (size() at the text's end).
  std::size_t statement_begin(std::size_t i) const;
  std::size_t statement_end(std::size_t i) const;
  /// i, or what follows the attribute there: __align__(16), alignas(16), __attribute__((...)), __launch_bounds__(256).
  std::size_t after_attribute(std::size_t i) const;

  std::string text(std::size_t begin, std::size_t end) const;  ///< tokens, with one space between
  /// Names that the declaration at begin .. end, without its ;, declares.
  std::vector<std::string> declared_names(std::size_t begin, std::size_t end) const;
  /// Of the parameters between the parentheses of a function, with commas between: "x,,n" where the second has none; empty if
  /// none has.
  std::string parameter_names(std::size_t begin, std::size_t end) const;

 private:
  void find_scopes(Scope outer);
  std::string parameter_name(std::size_t begin, std::size_t end) const;
  Scope scope_of_brace(std::size_t brace, Scope around) const;

  const std::vector<Token>* tokens_;
  std::vector<std::size_t> places_;
  std::vector<Scope> scopes_;
};

}  // namespace tern::emulator
