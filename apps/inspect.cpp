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

bool is_parameter(const TensorDescription& one) {
  const bool floating = one.dtype == DType::f32 || one.dtype == DType::f16 || one.dtype == DType::bf16 ||
                        one.dtype == DType::f64;
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
  const WeightFileDescription file = describe_weight_file(path);
  constexpr std::size_t kWidestColumn = 100;  // a longer name pushes its own line aside, not all of them
  std::size_t name_width = 4;
  std::int64_t parameters = 0;
  std::uint64_t bytes = 0;
  for (const TensorDescription& one : file.tensors) {
    name_width = std::max(name_width, std::min(one.name.size(), kWidestColumn));
    if (is_parameter(one)) parameters += one.shape.numel();
    bytes += static_cast<std::uint64_t>(one.shape.numel()) * size_of(one.dtype);
  }
  std::string text = fmt::format("{:<{}}  {:<4}  {}\n", "name", name_width, "type", "shape");
  for (const TensorDescription& one : file.tensors) {
    text += fmt::format("{:<{}}  {:<4}  {}\n", printable(one.name), name_width, name_of(one.dtype),
                        one.shape.text());
  }
  text += "\n";
  for (const auto& [key, value] : file.metadata) text += metadata_line(key, value);
  text += fmt::format("tensors     {}\nparameters  {}\nbytes       {}\nformat      {}\n", file.tensors.size(),
                      parameters, bytes, name_of(file.format));
  return text;
}

}  // namespace tern
