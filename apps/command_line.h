// The command line: one binary, a subcommand per job.
#pragma once

namespace tern {

/// Does what the arguments say and returns the exit code: 0; 2 for wrong usage, with the usage on stderr; 1
/// for any other failure, with one line on stderr: tern <command>: <what, which file or key, what was
/// expected>.
int run_command_line(int argc, char** argv);

}  // namespace tern
