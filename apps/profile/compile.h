// A translated program made an executable, with the emulator as this build or installation has it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace tern::profile {

/// What a program is compiled with: tern-profile.conf, beside the program in a build tree or in lib/tern-profile.
struct Toolkit {
  std::filesystem::path include, library;
  std::vector<std::string> gnu_options, clang_options, link_options;

  /// Throws Error if there is none.
  static Toolkit find();
};

struct CompileOptions {
  std::string name;  ///< the source's, for messages
  std::string compiler = "g++";
  std::vector<std::string> options;  ///< -I, -D and -O of the user's
};

/// `folder`: for what comes between. Throws Error after the compiler's messages were printed.
void compile_program(const Toolkit& toolkit, const std::filesystem::path& source,
                     const CompileOptions& options, const std::filesystem::path& folder,
                     const std::filesystem::path& program);

}  // namespace tern::profile
