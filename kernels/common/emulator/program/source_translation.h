// The translation of one text (translate.h). For translate.cpp and translate_variables.cpp alone.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/common/emulator/program/code.h"
#include "kernels/common/emulator/program/translate.h"

namespace tern::emulator {

inline constexpr std::string_view kProgram = "::tern::emulator::program::";

/// As a string of C++.
std::string literal_of(std::string_view text);

/// Of one text. What is new goes before tokens, after them, or in their place.
class SourceTranslation {
 public:
  SourceTranslation(Translator& all, std::string_view source, const std::filesystem::path& file, int line,
                    Scope outer)
      : all_(all),
        file_(file),
        tokens_(tokens_of(source, line)),
        code_(tokens_, outer),
        edits_(tokens_.size()) {}

  std::string translate();

 private:
  struct Edit {
    std::string before, instead, after;
    bool is_replaced = false;
  };

  Edit& edit(std::size_t i) { return edits_[code_.place(i)]; }
  void replace(std::size_t i, std::string text = "") {
    edit(i).instead = std::move(text);
    edit(i).is_replaced = true;
  }
  void check(std::size_t i, const Functions::Refusal& refusal) const {
    if (!refusal.wanted.empty()) fail(i, refusal.wanted, refusal.got);
  }
  [[noreturn]] void fail(std::size_t i, const std::string& wanted, const std::string& got) const;

  void translate_at(std::size_t i);
  void translate_directive(std::size_t token);
  void translate_macro(std::size_t token, std::string_view line, std::size_t body);
  void note_kernel(std::size_t i);
  void translate_launch(std::size_t i);
  void type_kernel(std::size_t call);
  void translate_copy(std::size_t i);
  std::size_t callee_begin(std::size_t launch) const;
  bool is_deduced(std::size_t begin, std::size_t launch) const;
  std::string parameter_names(std::size_t launch) const;
  void translate_shared(std::size_t i);
  void translate_variable(std::size_t i);

  Translator& all_;
  const std::filesystem::path& file_;
  std::vector<Token> tokens_;
  Code code_;
  std::vector<Edit> edits_;
  DeviceBody body_;
};

}  // namespace tern::emulator
