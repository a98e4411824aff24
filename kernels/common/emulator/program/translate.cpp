#include "kernels/common/emulator/program/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "engine/core/check.h"
#include "kernels/common/emulator/program/libraries.h"
#include "kernels/common/emulator/program/source_translation.h"

namespace tern::emulator {
namespace {

std::string read_source(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || std::filesystem::is_directory(file)) throw Error(file.string(), "a source to read", "none");
  return text.str();
}

}  // namespace

std::string literal_of(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' || c == '\r' ? ' ' : c;
  }
  return quoted + '"';
}

std::string SourceTranslation::translate() {
  std::size_t at = 0;
  for (std::size_t token = 0; token < tokens_.size(); ++token) {
    if (tokens_[token].kind == Token::Kind::directive) translate_directive(token);
    if (at < code_.size() && code_.place(at) == token) translate_at(at++);
  }
  std::string text;
  for (std::size_t token = 0; token < tokens_.size(); ++token) {
    const Edit& edit = edits_[token];
    text += edit.before;
    text += edit.is_replaced ? edit.instead : std::string(tokens_[token].text);
    text += edit.after;
  }
  return text;
}

void SourceTranslation::fail(std::size_t i, const std::string& wanted, const std::string& got) const {
  throw Error(fmt::format("{}:{}", file_.string(), code_[i].line), wanted, got);
}

void SourceTranslation::translate_at(std::size_t i) {
  const Token& token = code_[i];
  if (token.is("<<<")) return translate_launch(i);
  if (!token.is_word()) return;
  if (const auto body = all_.functions_.note(code_, i)) body_ = *body;
  check(i, all_.functions_.refusal(code_, i, body_));
  if ((token.is("asm") || token.is("__asm__")) && i < body_.end)
    fail(i, "CUDA C++ in " + body_.name, "PTX, which is not emulated");
  if (token.is("__global__")) return note_kernel(i);
  if (token.is("cudaLaunchKernel") || token.is("cudaLaunchCooperativeKernel")) return type_kernel(i);
  // C++17, which nvcc takes by default, has no such function outside of std, and programs define their own.
  const bool is_qualified = i > 0 && (code_.is(i - 1, "::") || code_.is(i - 1, ".") || code_.is(i - 1, "->"));
  if (token.is("lerp") && !is_qualified) return replace(i, "tern_lerp");
  if (token.is("memcpy") || token.is("memmove") || token.is("memset")) return translate_copy(i);
  if (token.is("__shared__")) return translate_shared(i);
  if (token.is("__device__") || token.is("__constant__") || token.is("__managed__"))
    return translate_variable(i);
  // A macro of that name would break the standard library's __attribute__((__noinline__)).
  if (token.is("__noinline__") && !code_.is(i - 1, "(") && !code_.is(i - 1, ","))
    replace(i, "__attribute__((noinline))");
}

void SourceTranslation::translate_directive(std::size_t token) {
  const std::string_view line = tokens_[token].text;
  std::size_t at = std::min(line.find_first_not_of(" \t", 1), line.size());
  if (line.substr(at, 6) == "define") {
    at = line.find_first_not_of(" \t", at + 6);
    while (at < line.size() && (std::isalnum(static_cast<unsigned char>(line[at])) != 0 || line[at] == '_'))
      ++at;
    if (at < line.size() && line[at] == '(') at = line.find(')', at);
    if (at < line.size()) translate_macro(token, line, at + 1);
    return;
  }
  if (line.substr(at, 7) != "include") return;
  const std::size_t open = line.find_first_of("\"<", at);
  if (open == line.npos) return;
  const std::size_t close = line.find(line[open] == '"' ? '"' : '>', open + 1);
  if (close == line.npos) return;
  const std::string name(line.substr(open + 1, close - open - 1));
  const std::string path = all_.included(name, line[open] == '"', file_);
  const char* const instead = path.empty() ? instead_of_library(name) : nullptr;
  if (path.empty() && instead == nullptr) return;
  edits_[token].is_replaced = true;
  if (instead != nullptr) {  // the preprocessor knows whether the line counts
    edits_[token].instead =
        fmt::format("#error {}<{}>, a library, which is not emulated. {}", kRefusal, name, instead);
    return;
  }
  edits_[token].instead =
      std::string(line.substr(0, open)) + literal_of(path) + std::string(line.substr(close + 1));
}

void SourceTranslation::translate_macro(std::size_t token, std::string_view line, std::size_t body) {
  if (line.find("<<<") == line.npos && line.find("__shared__") == line.npos) return;
  const std::string_view head = line.substr(0, body);
  const int first = tokens_[token].line + static_cast<int>(std::count(head.begin(), head.end(), '\n'));
  SourceTranslation of_body(all_, line.substr(body), file_, first, Scope::function);
  edits_[token].is_replaced = true;
  edits_[token].instead = std::string(head) + of_body.translate();
}

void SourceTranslation::note_kernel(std::size_t i) {
  std::size_t begin = code_.statement_begin(i);
  std::size_t parameters = 0;
  while (code_.is(begin, "template") && code_.is(begin + 1, "<")) {
    const std::size_t end = code_.closing_angle(begin + 1);
    if (end == Code::kNone) break;
    if (end > begin + 2) ++parameters;
    for (std::size_t k = begin + 2; k < end; ++k) {
      if (code_.is(k, "<")) k = std::min(code_.closing_angle(k), end);
      if (code_.is(k, ",")) ++parameters;
      if (code_.is(k, ".")) parameters += 100;  // ...
    }
    begin = end + 1;
  }
  std::size_t k = i + 1;
  while (k < code_.size() && !code_.is(k, "(")) k = std::max(k + 1, code_.after_attribute(k));
  const std::size_t end = k < code_.size() ? code_.closing(k) : Code::kNone;
  if (end == Code::kNone || k == 0 || !code_.is_word(k - 1)) return;
  KernelName& kernel = all_.kernels_[std::string(code_[k - 1].text)];
  kernel.template_parameters = std::max(kernel.template_parameters, parameters);
  std::string types;  // without the parameters' names, which may differ between declarations
  for (std::size_t p = k + 1; p < end; ++p) {
    const bool is_name = code_.is(p + 1, ",") || p + 1 == end;
    if (!is_name || !code_.is_word(p) || code_.is(p - 1, "(") || code_.is(p - 1, ",")) types += code_[p].text;
  }
  kernel.parameters.insert(types);
  if (const std::string names = code_.parameter_names(k + 1, end); !names.empty()) kernel.names.insert(names);
}

/// Of the kernel before <<<, as its declarations have them; empty if they do not agree.
std::string SourceTranslation::parameter_names(std::size_t launch) const {
  std::size_t name = launch - 1;
  if (code_.is(name, ">")) name = code_.opening_angle(name) - 1;
  const auto found = name < launch ? all_.kernels_.find(code_[name].text) : all_.kernels_.end();
  return found == all_.kernels_.end() || found->second.names.size() != 1 ? "" : *found->second.names.begin();
}

/// Where the expression before <<< begins: a name with its namespaces and template arguments, or one in parentheses.
std::size_t SourceTranslation::callee_begin(std::size_t launch) const {
  std::size_t k = launch - 1;
  if (launch == 0) return Code::kNone;
  for (;;) {
    if (code_.is(k, ">") || code_.is(k, ">>>")) {
      k = code_.opening_angle(k);
      if (k == Code::kNone || k == 0) return Code::kNone;
      --k;
    }
    if (code_.is(k, ")") || code_.is(k, "]")) {
      k = code_.opening(k);
      if (k == Code::kNone) return k;
      const bool is_part =
          k > 0 && (code_.is_word(k - 1) || code_.is(k - 1, "]")) && !code_.is(k - 1, "return");
      if (!is_part) return k;
      --k;
      continue;
    }
    if (!code_.is_word(k)) return Code::kNone;
    if (k == 0) return k;
    const bool is_member = code_.is(k - 1, ".") || code_.is(k - 1, "->");
    if (!code_.is(k - 1, "::") && !is_member) return k;
    const bool is_global = !is_member && (k == 1 || !(code_.is_word(k - 2) || code_.is(k - 2, ">")));
    if (is_global || code_.is(k - 2, "return")) return k - 1;
    k -= 2;
  }
}

/// Whether the compiler must see the arguments to know which kernel is meant.
bool SourceTranslation::is_deduced(std::size_t begin, std::size_t launch) const {
  std::size_t arguments = 0, name = launch - 1;
  if (code_.is(name, ">")) {
    const std::size_t open = code_.opening_angle(name);
    for (std::size_t k = open; k < name; ++k) {
      if (k == open || code_.is(k, ",")) ++arguments;
      if (code_.is(k, "(")) k = std::min(code_.closing(k), name);
      if (k > open && code_.is(k, "<")) k = std::min(code_.closing_angle(k), name);
    }
    name = open - 1;
  }
  if (name < begin || !code_.is_word(name)) return false;
  const auto found = all_.kernels_.find(code_[name].text);
  return found != all_.kernels_.end() &&
         (found->second.template_parameters > arguments || found->second.parameters.size() > 1);
}

void SourceTranslation::translate_launch(std::size_t i) {
  if (i > 0 && code_.is(i - 1, "operator")) return;
  const std::size_t begin = callee_begin(i);
  if (begin == Code::kNone)
    fail(i, "the name of a kernel before <<<", i == 0 ? "none" : std::string(code_[i - 1].text));
  if (begin + 1 == i) check(i, all_.functions_.refusal_of_launch(code_[begin].text));
  std::size_t end = i + 1;
  while (end < code_.size() && !code_.is(end, ">>>") && !code_.is(end, ";")) {
    const bool opens = code_.is(end, "(") || code_.is(end, "[") || code_.is(end, "{");
    end = opens ? std::min(code_.closing(end), code_.size() - 1) + 1 : end + 1;
  }
  if (!code_.is(end, ">>>")) fail(i, ">>> after <<< of a launch", "none");
  if (!code_.is(end + 1, "("))
    fail(end, "( with the kernel's arguments after >>>",
         end + 1 < code_.size() ? std::string(code_[end + 1].text) : "none");
  const std::string name =
      fmt::format("{{{}, {}}}", literal_of(code_.text(begin, i)), literal_of(parameter_names(i)));
  if (is_deduced(begin, i)) {
    edit(begin).before +=
        fmt::format("{}deduced_kernel({}, [](const auto&... tern_arguments) TERN_UNTOLD {{ ", kProgram, name);
    replace(i, "(tern_arguments...); }).on(");
  } else {
    edit(begin).before += fmt::format("{}typed_kernel({}, ", kProgram, name);
    replace(i, ").on(");
  }
  replace(end, ")");
}

/// std::memcpy(...): one that the emulator is told of.
void SourceTranslation::translate_copy(std::size_t i) {
  const bool is_call = code_.is(i + 1, "(") && code_.scope(i) == Scope::function;
  const bool is_member = i > 0 && (code_.is(i - 1, ".") || code_.is(i - 1, "->"));
  const bool is_qualified = i > 0 && code_.is(i - 1, "::");
  const bool is_of_std = is_qualified && i > 1 && code_.is(i - 2, "std");
  if (!is_call || is_member || (is_qualified && !is_of_std && i > 1 && code_.is_word(i - 2))) return;
  replace(i, fmt::format("tern_{}", code_[i].text));
  if (is_qualified) replace(i - 1);
  if (is_of_std) replace(i - 2);
}

/// cudaLaunchKernel((void*)kernel, ...): the kernel that is named there keeps its type.
void SourceTranslation::type_kernel(std::size_t call) {
  const std::size_t close = code_.is(call + 1, "(") ? code_.closing(call + 1) : Code::kNone;
  if (close == Code::kNone) return;
  std::size_t begin = call + 2;
  std::vector<std::size_t> casts;
  const auto drop = [&](std::size_t end) {
    while (begin < end) casts.push_back(begin++);
  };
  std::size_t end_of_cast = Code::kNone;
  if (code_.is(begin, "reinterpret_cast") && code_.is(begin + 1, "<")) {
    const std::size_t open = code_.closing_angle(begin + 1);
    if (open == Code::kNone || !code_.is(open + 1, "(")) return;
    end_of_cast = code_.closing(open + 1);
    drop(open + 2);
  }
  if (code_.is(begin, "(") && (code_.is(begin + 1, "void") || code_.is(begin + 1, "const")))
    drop(std::min(code_.closing(begin), close) + 1);
  if (code_.is(begin, "&")) drop(begin + 1);
  std::size_t end = begin;
  while (code_.is_word(end) || code_.is(end, "::")) ++end;
  const auto found = end > begin ? all_.kernels_.find(code_[end - 1].text) : all_.kernels_.end();
  if (code_.is(end, "<") && code_.closing_angle(end) != Code::kNone) end = code_.closing_angle(end) + 1;
  if (end_of_cast == end) casts.push_back(end_of_cast);
  const bool is_whole = code_.is(end_of_cast == end ? end + 1 : end, ",");
  if (found == all_.kernels_.end() || !is_whole) return;
  for (const std::size_t cast : casts) replace(cast);
  edit(begin).before += fmt::format("{}typed_kernel({{{}, {}}}, ", kProgram,
                                    literal_of(code_.text(begin, end)), literal_of(parameter_names(end)));
  edit(end - 1).after += ")";
}

Translator::Translator(std::filesystem::path copies, std::vector<std::filesystem::path> include_folders)
    : copies_(std::move(copies)), include_folders_(std::move(include_folders)) {}

std::string Translator::translate(std::string_view source, const std::filesystem::path& file) {
  return SourceTranslation(*this, source, file, 1, Scope::outside).translate();
}

std::filesystem::path Translator::translate_file(const std::filesystem::path& file) {
  const std::filesystem::path key = std::filesystem::weakly_canonical(file);
  const auto [found, added] =
      done_.try_emplace(key, copies_ / fmt::format("{}_{}", done_.size(), file.filename().string()));
  const std::filesystem::path copy = found->second;
  if (!added) return copy;
  const std::string text =
      fmt::format("#line 1 {}\n", literal_of(file.string())) + translate(read_source(file), file);
  std::ofstream out(copy, std::ios::binary);
  out << text;
  if (!out.flush()) throw Error(copy.string(), "a file to write", "none");
  return copy;
}

std::vector<std::filesystem::path> Translator::files() const {
  std::vector<std::filesystem::path> files;
  for (const auto& [file, copy] : done_) files.push_back(file);
  return files;
}

std::string Translator::included(const std::string& name, bool quoted, const std::filesystem::path& from) {
  std::vector<std::filesystem::path> folders = include_folders_;
  if (quoted) folders.insert(folders.begin(), from.parent_path());
  for (const std::filesystem::path& folder : folders) {
    const std::filesystem::path file = (folder / name).lexically_normal();
    if (!std::filesystem::is_regular_file(file)) continue;
    const std::string path = std::filesystem::absolute(file).string();
    const bool is_emulator =
        path.find("/kernels/common/emulator/") != path.npos;  // what CUDA's syntax is translated to
    return is_emulator ? path : std::filesystem::absolute(translate_file(file)).string();
  }
  return {};
}

}  // namespace tern::emulator
