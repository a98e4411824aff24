// For tests of what the emulator says of kernels that are wrong on purpose. Emulated kernels alone.
#pragma once

#include <doctest/doctest.h>

#include <fstream>
#include <string>
#include <type_traits>

#include "engine/core/check.h"
#include "kernels/common/launch.h"

namespace tern::test {

/// What a launch fails with; empty if it does not.
template <typename... Parameters>
std::string failure(dim3 blocks, dim3 threads, std::size_t shared_bytes, void (*kernel)(Parameters...),
                    std::type_identity_t<Parameters>... arguments) {
  try {
    kernels::launch(kernel, blocks, threads, shared_bytes, nullptr, arguments...);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// "test_x.cpp:41": the first line with that text in the test of this name, "test_x.cpp".
inline std::string line_of(const std::string& test, const std::string& text) {
  std::ifstream source(std::string(TERN_SOURCE_DIR) + "/tests/" + test);
  std::string line;
  for (int number = 1; std::getline(source, line); ++number) {
    if (contains(line, text)) return test + ":" + std::to_string(number);
  }
  return "a line with " + text;
}

}  // namespace tern::test

#define CHECK_FAILS(text, part) CHECK_MESSAGE(tern::test::contains(text, part), text)
