// Tests that want what a machine may not have.
#pragma once

#include <string>

namespace tern::test {

/// Says on stdout that a test case is left out and why: the case then returns. If no other case fails, the
/// program ends with kSkippedCode, which CTest shows as "Skipped".
void skip(const std::string& why);

/// TERN_REQUIRE_CUDA=1 in the environment: a GPU that does not work is a failure, for example in
/// scripts/gpu_check.sh.
bool cuda_required();

/// As skip(), or where cuda_required() a failed check: for want of a GPU, its driver or its libraries.
void skip_without_cuda(const std::string& why);

inline constexpr int kSkippedCode = 77;  ///< as tests/CMakeLists.txt tells CTest

}  // namespace tern::test
