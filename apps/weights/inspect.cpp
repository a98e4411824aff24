#include "apps/weights/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/io/state_dict.h"

namespace tern {
namespace {

bool is_parameter(const TensorDescription& one) {
  return is_floating(one.dtype) && !one.name.ends_with("running_mean") && !one.name.ends_with("running_var");
}

std::string metadata_line(const std::string& key, const std::string& value) {
  constexpr std::size_t kMaxShown = 100;
  const bool cut = value.size() > kMaxShown;
  return fmt::format("metadata    {} = {}{}\n", printable(key), printable(value.substr(0, kMaxShown)),
                     cut ? "..." : "");
}

struct Totals {
  std::int64_t parameters = 0;
  std::uint64_t bytes = 0;
};

Totals totals_of(const WeightFileDescription& file) {
  Totals totals;
  for (const TensorDescription& one : file.tensors) {
    if (is_parameter(one)) totals.parameters += one.shape.numel();
    totals.bytes += bytes_of(one.dtype, one.shape.numel());
  }
  return totals;
}

}  // namespace

std::string inspect(const std::filesystem::path& path, const std::string& key) {
  const WeightFileDescription file = describe_weight_file(path, key);
  constexpr std::size_t kWidestColumn = 100;  // a longer name pushes its own line aside, not all of them
  std::size_t name_width = 4, type_width = 4;
  for (const TensorDescription& one : file.tensors) {
    name_width = std::max(name_width, std::min(one.name.size(), kWidestColumn));
    type_width = std::max(type_width, std::strlen(name_of(one.dtype)));
  }
  std::string text = fmt::format("{:<{}}  {:<{}}  {}\n", "name", name_width, "type", type_width, "shape");
  for (const TensorDescription& one : file.tensors) {
    text += fmt::format("{:<{}}  {:<{}}  {}\n", printable(one.name), name_width, name_of(one.dtype),
                        type_width, one.shape.text());
  }
  text += "\n";
  for (const auto& [field, value] : file.metadata) text += metadata_line(field, value);
  const Totals totals = totals_of(file);
  text += fmt::format("tensors     {}\nparameters  {}\nbytes       {}\nformat      {}\n", file.tensors.size(),
                      totals.parameters, totals.bytes, name_of(file.format));
  const std::string place = text_of(file.place);
  if (!place.empty()) text += fmt::format("taken       {}\n", place);
  return text;
}

Json inspect_json(const std::filesystem::path& path, const std::string& key) {
  const WeightFileDescription file = describe_weight_file(path, key);
  const Totals totals = totals_of(file);
  Json json = {{"file", path.string()},
               {"format", name_of(file.format)},
               {"parameters", totals.parameters},
               {"bytes", totals.bytes}};
  const std::string place = text_of(file.place);
  if (!place.empty()) json["taken"] = place;
  for (const auto& [field, value] : file.metadata) json["metadata"][field] = value;
  json["tensors"] = Json::array();
  for (const TensorDescription& one : file.tensors) {
    const std::vector<std::int64_t> extents(one.shape.begin(), one.shape.end());
    json["tensors"].push_back({{"name", one.name}, {"type", name_of(one.dtype)}, {"shape", extents}});
  }
  return json;
}

}  // namespace tern
