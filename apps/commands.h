// What the command line can ask for.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace tern {

/// The subcommand that was asked for; filled in by the parser, run after it.
struct Command {
  CLI::App* app = nullptr;
  std::function<int()> run;
};

/// Adds every subcommand to `tern`. Parsing fills `chosen`, which must live as long.
void add_commands(CLI::App& tern, Command& chosen);

}  // namespace tern
