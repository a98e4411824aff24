#include "apps/common/toml_file.h"

#include <fmt/format.h>

#include "engine/core/check.h"
#include "engine/io/file.h"
#include "engine/io/utf8.h"

namespace tern {

toml::table read_toml(const std::filesystem::path& path) {
  const std::string text = read_text_file(path, 1 << 20);
  check_is_text(path, text, "a TOML file");
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    throw Error(fmt::format("{}:{}", path.string(), error.source().begin.line),
                "no TOML: " + std::string(error.description()));
  }
}

}  // namespace tern
