// The command line: one binary, a subcommand per job.
#pragma once

namespace tern {

/// Does what the arguments say and returns the exit code: 0; 2 for wrong usage, with the usage on stderr; 1
/// for any other failure, with one line on stderr: tern <command>: <what, which file or key, what was
/// expected>. Work that Ctrl-C or SIGTERM stopped ends with such a line and by that signal, so that a shell sees 130 or 143
/// from every command.
int run_command_line(int argc, char** argv);

}  // namespace tern
