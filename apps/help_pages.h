// What a shell and man show of the commands, made from the same table as --help.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <string>

namespace tern {

/// tern.1, for man (man-pages(7)): the commands, and the options of each.
std::string man_page(const CLI::App& tern, const std::string& version);

/// A script for bash-completion, which zsh takes too after bashcompinit: commands, their options, after an option the values
/// that can be listed (of --set the keys, then a key's values) or names of files, also after --option=.
std::string bash_completion(const CLI::App& tern);

struct HelpPagesOptions {
  std::filesystem::path out;
  const CLI::App* tern = nullptr;
};

/// Writes both into a folder, as tern.1 and tern.bash. Throws Error{path, ...} where it cannot.
int write_help_pages(const HelpPagesOptions& options);

}  // namespace tern
