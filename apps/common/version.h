// Which tern this is, and what it was built with: for `tern --version` and the summary of every run.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace tern {

/// The same as in CMakeLists.txt, which test_cli checks.
inline constexpr const char* kVersion = "0.1.0";

/// The commit that the program was built from, as 12 hex digits, with "-dirty" if files differed from it; or
/// "unknown". Each program that asks defines it: tern in a file that its build writes (cmake/commit.cmake),
/// tests without, so that a commit compiles and links tern alone anew.
const char* build_commit();

/// {"tern", "0.1.0"}, {"commit", ...}, {"compiler", ...}, {"build_type", ...}, {"onednn", ...}, {"eigen",
/// ...}, and where the build has them {"cuda", ...}, {"cudnn", ...} and {"mpi", "Open MPI v4.1.4"}. CUDA and cuDNN are what it was
/// compiled against; which ones a run has found is in its backend's description.
std::vector<std::pair<std::string, std::string>> versions();

/// The same as text, "<name> <version>" a line.
std::string version_text();

}  // namespace tern
