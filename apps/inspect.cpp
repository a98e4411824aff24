#include "apps/inspect.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/io/state_dict.h"

namespace tern {
namespace {

// Names come from a file that anyone may have made: control characters must not reach the terminal.
std::string printable(std::string text) {
  for (char& letter : text) {
    if (static_cast<unsigned char>(letter) < ' ' || letter == '\x7f') letter = '?';
  }
  return text;
}

bool is_parameter(const NamedTensor& one) {
  const DType dtype = one.tensor.dtype();
  const bool floating =
      dtype == DType::f32 || dtype == DType::f16 || dtype == DType::bf16 || dtype == DType::f64;
  return floating && !one.name.ends_with("running_mean") && !one.name.ends_with("running_var");
}

std::string metadata_line(const std::string& key, const std::string& value) {
  constexpr std::size_t kMostShown = 100;
  const bool cut = value.size() > kMostShown;
  return fmt::format("metadata    {} = {}{}\n", printable(key), printable(value.substr(0, kMostShown)),
                     cut ? "..." : "");
}

}  // namespace

std::string inspect(const std::filesystem::path& path) {
  const WeightFile file = read_weight_file(path);
  std::size_t name_width = 4;
  std::int64_t parameters = 0;
  std::size_t bytes = 0;
  for (const NamedTensor& one : file.tensors) {
    name_width = std::max(name_width, one.name.size());
    if (is_parameter(one)) parameters += one.tensor.numel();
    bytes += one.tensor.bytes();
  }
  std::string text = fmt::format("{:<{}}  {:<4}  {}\n", "name", name_width, "type", "shape");
  for (const NamedTensor& one : file.tensors) {
    text += fmt::format("{:<{}}  {:<4}  {}\n", printable(one.name), name_width, name_of(one.tensor.dtype()),
                        one.tensor.shape().text());
  }
  text += "\n";
  for (const auto& [key, value] : file.metadata) text += metadata_line(key, value);
  text += fmt::format("tensors     {}\nparameters  {}\nbytes       {}\nformat      {}\n", file.tensors.size(),
                      parameters, bytes, name_of(file.format));
  return text;
}

}  // namespace tern
