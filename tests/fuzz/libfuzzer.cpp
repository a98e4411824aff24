// Runs the one fuzzer of a program by libFuzzer, which has the main().
#include <cstddef>
#include <cstdint>

#include "engine/core/parallel.h"
#include "tests/fuzz/fuzzer.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  tern::set_thread_count(1);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Never null: a part of an input without data() is an absent file.
  tern::fuzz::fuzzers().front().run(size == 0 ? std::string_view("")
                                              : std::string_view(reinterpret_cast<const char*>(data), size));
  return 0;
}
