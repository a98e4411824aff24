// Where a test finds the files that it reads.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

namespace tern::test {

/// This tree; where the tests were moved away from it (scripts/gpu_bundle.sh), TERN_SOURCE in the environment names one that
/// has tests/goldens/.
inline std::filesystem::path source_folder() {
  const char* const moved = std::getenv("TERN_SOURCE");
  return moved != nullptr ? moved : TERN_SOURCE_DIR;
}

inline std::filesystem::path golden(const std::string& name) {
  return source_folder() / "tests" / "goldens" / name;
}

}  // namespace tern::test
