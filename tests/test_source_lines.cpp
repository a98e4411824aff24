// Names and lines of running code, kernels' too.
#include "kernels/common/emulator/profile/source_lines.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "kernels/common/emulator/profile/profile.h"
#include "kernels/common/launch.h"

using namespace tern;
using emulator::SourceLine;

namespace {

std::vector<SourceLine> lines_in_kernel;

template <typename T>
T doubled(const T* x) {
  return x[0] + x[0];  // kReadLine
}
constexpr int kReadLine = __LINE__ - 2;

template <typename T>
__global__ void doubles(const T* x, T* y) {
  y[threadIdx.x] = doubled(x + threadIdx.x);  // kCallLine
}
constexpr int kCallLine = __LINE__ - 2;

__global__ void looks_up() {
  lines_in_kernel = emulator::source_lines(__builtin_return_address(0));
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

TEST_CASE("source lines: a load, and where it was inlined; a store") {
  float x[32] = {}, y[32] = {};
  emulator::Profile profile;
  kernels::launch(doubles<float>, 1, 32, 0, nullptr, x, y);
  int loads = 0;
  for (const emulator::InstructionCounts& one : profile.launches().at(0).instructions) {
    const std::vector<SourceLine> lines = emulator::source_lines(one.place.code);
    REQUIRE(!lines.empty());
    CHECK(ends_with(lines.front().file, "tests/test_source_lines.cpp"));
    CHECK(ends_with(lines.back().file, "tests/test_source_lines.cpp"));
    CHECK(lines.back().line == kCallLine);
    CHECK(lines.back().function.substr(0, 7) == "doubles");
    if (one.access != emulator::Access::read) continue;
    ++loads;
    REQUIRE(lines.size() == 2);
    CHECK(lines.front().line == kReadLine);
    CHECK(lines.front().function.substr(0, 7) == "doubled");
  }
  CHECK(loads >= 1);
}

TEST_CASE("source lines: on a kernel's small stack, too") {
  kernels::launch(looks_up, 1, 1, 0, nullptr);
  CHECK(!lines_in_kernel.empty());
}

TEST_CASE("source lines: names of functions, of this file alone and of templates") {
  const auto name = [](const void* function) { return emulator::function_name(function); };
  const std::string copy = name(reinterpret_cast<const void*>(doubles<double>));
  CHECK(copy == "void (anonymous namespace)::doubles<double>(double const*, double*)");
  CHECK(emulator::short_function_name(copy) == "doubles<double>");
  CHECK(emulator::short_function_name(name(reinterpret_cast<const void*>(looks_up))) == "looks_up");
  CHECK(emulator::short_function_name("vector_add") == "vector_add");
  CHECK(emulator::short_function_name("void a::b<(c)3, d::e>::f<g (*)(h)>(i, j*)") == "f<g (*)(h)>");
  CHECK(emulator::short_function_name("void kernel<float>(float*) [clone .constprop.0]") == "kernel<float>");
}

TEST_CASE("source lines: none for what is no code of the program") {
  CHECK(emulator::source_lines(nullptr).empty());
  CHECK(emulator::source_lines(reinterpret_cast<const void*>(16)).empty());
  CHECK(emulator::function_name(nullptr).empty());
  CHECK(emulator::function_name(reinterpret_cast<const void*>(16)).empty());
  const int on_the_stack = 0;
  CHECK(emulator::source_lines(&on_the_stack).empty());
}
