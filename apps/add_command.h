// How a subcommand is added to the command line.
#pragma once

#include "apps/commands.h"

namespace tern {

/// A subcommand whose options are `options`, which lives as long as the program.
template <typename Options>
CLI::App* add_command(CLI::App& tern, Command& chosen, const char* name, const char* text, Options& options,
                      int (*run)(const Options&)) {
  CLI::App* app = tern.add_subcommand(name, text);
  app->callback([&chosen, &options, app, run] { chosen = {app, [&options, run] { return run(options); }}; });
  return app;
}

}  // namespace tern
