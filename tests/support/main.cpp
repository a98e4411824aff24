#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "tests/support/skip.h"

namespace tern::test {
namespace {

bool skipped = false;

}  // namespace

void skip(const std::string& why) {
  std::printf("skipped: %s\n", why.c_str());
  skipped = true;
}

bool cuda_required() {
  const char* const value = std::getenv("TERN_REQUIRE_CUDA");
  return value != nullptr && std::string_view(value) == "1";
}

void skip_without_cuda(const std::string& why) {
  if (cuda_required()) FAIL_CHECK("wanted CUDA (TERN_REQUIRE_CUDA=1), got " << why);
  skip(why);
}

}  // namespace tern::test

int main(int argc, char** argv) {
  const int code = doctest::Context(argc, argv).run();
  return code == 0 && tern::test::skipped ? tern::test::kSkippedCode : code;
}
