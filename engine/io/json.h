// JSON files for people: keys keep their order, two spaces a level, written whole or not at all.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace tern {

using Json = nlohmann::ordered_json;

/// Throws Error{path, ...} with line and column for text that is no JSON, and for lists and objects in each other over a
/// hundred deep: copying and writing would go down as far.
Json read_json(const std::filesystem::path& path);

/// Throws Json::exception for anything but a whole number; get<std::int64_t>() would take 1.5, and be undefined for 1e300.
std::int64_t whole_number(const Json& json);

/// As it stands in a file. NaN and infinities, which JSON lacks, become null; bytes that are no UTF-8 become U+FFFD.
std::string json_text(const Json& json);

/// Writes json_text().
void write_json(const std::filesystem::path& path, const Json& json);

}  // namespace tern
