// JSON files for people: keys keep their order, two spaces a level, written whole or not at all.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

namespace tern {

using Json = nlohmann::ordered_json;

/// Throws Error{path, ...} with line and column for text that is no JSON.
Json read_json(const std::filesystem::path& path);

/// NaN and infinities, which JSON lacks, become null; bytes that are no UTF-8 become U+FFFD.
void write_json(const std::filesystem::path& path, const Json& json);

}  // namespace tern
