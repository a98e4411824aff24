// The subcommands that read files of weights alone.
#pragma once

#include "apps/commands.h"

namespace tern {

void add_convert(CLI::App& tern, Command& chosen);
void add_inspect(CLI::App& tern, Command& chosen);
void add_classify(CLI::App& tern, Command& chosen);

}  // namespace tern
