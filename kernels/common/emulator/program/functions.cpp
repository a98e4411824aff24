#include "kernels/common/emulator/program/functions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace tern::emulator {
namespace {

/// As macros are, of which one may hold __device__.
bool is_capitals(std::string_view word) {
  const auto is_small = [](char c) { return std::islower(static_cast<unsigned char>(c)) != 0; };
  return word.size() > 1 && std::none_of(word.begin(), word.end(), is_small);
}

/// Whether the statement at `word` declares a function of that name: TYPE NAME(...), then a body or the end.
bool declares_function(const Code& code, std::size_t begin, std::size_t word) {
  if (!code.is(word + 1, "(") || word == begin || code.is(word - 1, "::")) return false;
  const std::size_t end = code.closing(word + 1);
  return end != Code::kNone && (code.is(end + 1, "{") || code.is(end + 1, ";"));
}

/// The ( of a call by name, after template arguments if there are any; kNone where none is.
std::size_t call_at(const Code& code, std::size_t word) {
  std::size_t open = word + 1;
  if (code.is(open, "<")) {
    const std::size_t close = code.closing_angle(open);
    if (close == Code::kNone) return close;
    open = close + 1;
  }
  return code.is(open, "(") ? open : Code::kNone;
}

/// Whether the body has no variable and no member of that name.
bool is_function_in(const Code& code, const DeviceBody& body, std::string_view name) {
  for (std::size_t i = body.begin; i < body.end; ++i) {
    if (!code.is(i, name)) continue;
    const bool is_variable = code.is_word(i - 1) && !code.is(i - 1, "return") && !code.is(i - 1, "else");
    const bool is_member = code.is(i - 1, ".") || code.is(i - 1, "->") || code.is(i - 1, "::");
    if (is_variable || is_member || call_at(code, i) == Code::kNone) return false;
  }
  return true;
}

}  // namespace

const Functions::Kinds* Functions::find(std::string_view name) const {
  const auto found = names_.find(name);
  return found == names_.end() ? nullptr : &found->second;
}

std::optional<DeviceBody> Functions::note(const Code& code, std::size_t word) {
  if (code.scope(word) != Scope::outside) return std::nullopt;
  const std::size_t begin = code.statement_begin(word);
  if (!declares_function(code, begin, word)) return std::nullopt;
  bool kernel = false, device = false, host = false, unknown = false;
  for (std::size_t i = begin; i < word; i = std::max(i + 1, code.after_attribute(i))) {
    kernel = kernel || code.is(i, "__global__");
    device = device || code.is(i, "__device__");
    host = host || code.is(i, "__host__");
    const bool is_other =
        code.is(i, "constexpr") || code.is(i, "consteval") || code.is(i, "=") || code.is(i, "(");
    unknown = unknown || is_other || (code.is_word(i) && is_capitals(code[i].text));
  }
  Kinds& kinds = names_[std::string(code[word].text)];
  kinds.kernel = kinds.kernel || kernel;
  kinds.device = kinds.device || device;
  kinds.host = kinds.host || host || (!kernel && !device);
  kinds.unknown = kinds.unknown || unknown;
  const std::size_t brace = code.closing(word + 1) + 1;
  if (!code.is(brace, "{") || host || unknown || !(kernel || device)) return std::nullopt;
  return DeviceBody{std::string(code[word].text), brace, std::min(code.closing(brace), code.size())};
}

Functions::Refusal Functions::refusal(const Code& code, std::size_t word, const DeviceBody& body) const {
  if (code.scope(word) != Scope::function || word == 0 || call_at(code, word) == Code::kNone) return {};
  const Kinds* const kinds = find(code[word].text);
  if (kinds == nullptr || kinds->unknown) return {};
  const std::string name(code[word].text);
  const bool begins_statement = code.is(word - 1, ";") || code.is(word - 1, "{") || code.is(word - 1, "}");
  if (kinds->kernel && !kinds->host && !kinds->device && begins_statement)
    return {fmt::format("{}<<<blocks, threads>>>(...), since it is a kernel", name), name + "(...)"};
  const bool is_of_host = kinds->host && !kinds->kernel && !kinds->device;
  if (!is_of_host || word >= body.end || !is_function_in(code, body, name)) return {};
  return {fmt::format("__device__ before {}, which {} calls on the GPU", name, body.name),
          "a function of the host"};
}

Functions::Refusal Functions::refusal_of_launch(std::string_view name) const {
  const Kinds* const kinds = find(name);
  if (kinds == nullptr || kinds->unknown || kinds->kernel) return {};
  return {fmt::format("__global__ before {}, which is launched by <<<...>>>", name),
          kinds->device ? "a __device__ function" : "a function of the host"};
}

}  // namespace tern::emulator
