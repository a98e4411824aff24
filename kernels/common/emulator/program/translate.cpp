#include "kernels/common/emulator/program/translate.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "engine/core/check.h"
#include "kernels/common/emulator/program/code.h"

namespace tern::emulator {
namespace {

constexpr std::string_view kProgram = "::tern::emulator::program::";

std::string read_source(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in || std::filesystem::is_directory(file)) throw Error(file.string(), "a source to read", "none");
  return text.str();
}

/// Whether a header is one of CUDA's libraries'.
bool is_of_library(std::string_view header) {
  static constexpr std::string_view kBegins[] = {"cub/",     "cublas",   "cuda/",    "cudnn", "cufft",
                                                 "curand.h", "cusolver", "cusparse", "cute/", "cutensor",
                                                 "cutlass/", "nccl.h",   "npp",      "nvrtc", "thrust/"};
  return std::any_of(std::begin(kBegins), std::end(kBegins),
                     [=](std::string_view begin) { return header.substr(0, begin.size()) == begin; });
}

/// As a string of C++.
std::string literal_of(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c == '\n' || c == '\r' ? ' ' : c;
  }
  return quoted + '"';
}

}  // namespace

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

  std::string translate() {
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
  [[noreturn]] void fail(std::size_t i, const std::string& wanted, const std::string& got) const {
    throw Error(fmt::format("{}:{}", file_.string(), code_[i].line), wanted, got);
  }

  void translate_at(std::size_t i) {
    const Token& token = code_[i];
    if (token.is("<<<")) return translate_launch(i);
    if (!token.is_word()) return;
    if (const auto body = all_.functions_.note(code_, i)) body_ = *body;
    check(i, all_.functions_.refusal(code_, i, body_));
    if ((token.is("asm") || token.is("__asm__")) && i < body_.end)
      fail(i, "CUDA C++ in " + body_.name, "PTX, which is not emulated");
    if (token.is("__global__")) return note_kernel(i);
    if (token.is("__shared__")) return translate_shared(i);
    if (token.is("__device__") || token.is("__constant__") || token.is("__managed__"))
      return translate_variable(i);
    // A macro of that name would break the standard library's __attribute__((__noinline__)).
    if (token.is("__noinline__") && !code_.is(i - 1, "(") && !code_.is(i - 1, ","))
      replace(i, "__attribute__((noinline))");
  }

  void translate_directive(std::size_t token);
  void translate_macro(std::size_t token, std::string_view line, std::size_t body);
  void note_kernel(std::size_t i);
  void translate_launch(std::size_t i);
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
  if (path.empty() && is_of_library(name)) {
    throw Error(fmt::format("{}:{}", file_.string(), tokens_[token].line), "CUDA C++ and its runtime API",
                fmt::format("<{}>, a library, which is not emulated", name));
  }
  if (path.empty()) return;
  edits_[token].is_replaced = true;
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

void SourceTranslation::translate_shared(std::size_t i) {
  const std::size_t begin = code_.statement_begin(i), end = code_.statement_end(i);
  std::size_t last = end;
  bool is_extern = false, is_parameter = false;
  for (std::size_t k = begin; k < end; ++k) {
    if (code_.is(k, "extern")) is_extern = true;
    if (code_.is(k, "extern") || code_.is(k, "static") || code_.is(k, "__shared__") ||
        code_.is(k, "__device__"))
      replace(k);
    if (code_.is(k, "__shared__") && k < i) is_parameter = true;  // done by the first
    if (code_.is(k, "="))
      fail(k, "a __shared__ variable without initial value, as CUDA wants it", code_.text(begin, end));
  }
  if (is_parameter) return;
  const std::vector<std::string> names = code_.declared_names(begin, end);
  if (names.empty() || last == 0) fail(i, "the name of a __shared__ variable", code_.text(begin, end));
  last = std::min(end, code_.size() - 1);
  const std::string record = fmt::format("tern_shared_{}", ++all_.declared_);
  const bool outside = code_.scope(i) == Scope::outside;
  if (outside && !is_extern) fail(i, "__shared__ variables inside of functions", code_.text(begin, end));
  edit(begin).before += fmt::format("struct {} {{ ", record);
  std::string after = end == code_.size() ? "; };" : " };";
  for (const std::string& name : names) {
    const std::string type = fmt::format("decltype({}::{})", record, name);
    if (!is_extern)
      after += fmt::format(" {}& {} = {}shared<{}>(\"{}\", __FILE__, __LINE__);", type, name, kProgram, type,
                           name);
    else if (outside)
      after += fmt::format(" static const {}DynamicShared<{}> {}(\"{}\");", kProgram, type, name, name);
    else
      after += fmt::format(" auto* const {} = {}dynamic_shared<{}>(\"{}\");", name, kProgram, type, name);
  }
  if (is_extern) {  // an array without extent has none as a member
    for (std::size_t k = begin; k < end; ++k) {
      if (code_.is(k, "[") && code_.is(k + 1, "]")) edit(k).after += "1";
    }
  }
  if (end == code_.size() && after.back() == ';') after.pop_back();  // a macro's body, whose ; follows
  edit(last).after += after;
}

void SourceTranslation::translate_variable(std::size_t i) {
  if (code_.scope(i) != Scope::outside) return;
  const std::size_t begin = code_.statement_begin(i), end = code_.statement_end(i);
  bool is_constant = false, is_record = false;
  for (std::size_t k = begin; k < end; ++k) {
    const std::size_t next = code_.after_attribute(k);
    if (next != k) {
      k = next - 1;
      continue;
    }
    const bool is_memory =
        code_.is(k, "__device__") || code_.is(k, "__constant__") || code_.is(k, "__managed__");
    if (is_memory && k < i) return;  // done by the first
    if (code_.is(k, "__constant__")) is_constant = true;
    if (code_.is(k, "struct") || code_.is(k, "union")) is_record = true;
    const bool is_other =
        code_.is(k, "extern") || code_.is(k, "template") || code_.is(k, "using") || code_.is(k, "typedef");
    if (is_other || code_.is(k, "(") || code_.is(k, "operator")) return;  // or a function
    if (code_.is(k, "=") || code_.is(k, "[")) break;
    if (code_.is(k, "{") && is_record) k = std::min(code_.closing(k), end - 1);
    if (code_.is(k, "{")) break;
  }
  if (end == code_.size()) return;
  for (const std::string& name : code_.declared_names(begin, end)) {
    edit(end).after +=
        fmt::format(" static const {}Variable tern_variable_{}(\"{}\", {}, {}, __FILE__, __LINE__);",
                    kProgram, ++all_.declared_, name, name, is_constant);
  }
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
