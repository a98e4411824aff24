// TOML files of people: settings and plans.
#pragma once

#include <toml++/toml.h>

#include <filesystem>

namespace tern {

/// Throws Error{path, ...} if it cannot be read or is over 1 MiB, Error{path:line, ...} for what is no TOML, and for keys
/// of over 30 parts.
toml::table read_toml(const std::filesystem::path& path);

}  // namespace tern
