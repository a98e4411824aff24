// __shared__, __device__, __constant__ and __managed__ variables of a source that is translated.
#include <fmt/format.h>

#include <algorithm>

#include "kernels/common/emulator/program/source_translation.h"

namespace tern::emulator {

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

}  // namespace tern::emulator
