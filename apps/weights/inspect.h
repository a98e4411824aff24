// `tern inspect FILE`
#pragma once

#include <filesystem>
#include <string>

#include "engine/io/json.h"

namespace tern {

/// A text for people: a table of names, types and shapes (in the file's layout), the metadata if there is
/// any, then the number of tensors and of parameters (floating tensors that are not running statistics), the
/// bytes and the format of the file, and where a .pth holds more than one state dict, which one this is.
/// `key` names another. Takes little memory, however large the file is.
std::string inspect(const std::filesystem::path& path, const std::string& key = {});

/// The same for programs, under the same names.
Json inspect_json(const std::filesystem::path& path, const std::string& key = {});

}  // namespace tern
