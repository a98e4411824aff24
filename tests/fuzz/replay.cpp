// Tries inputs without libFuzzer, in any build: what a fuzzer once found stays mended.
//   fuzz_replay FOLDER [NAME...]      every file of FOLDER/NAME/ goes to the fuzzer NAME; by default of all
#include <algorithm>
#include <exception>
#include <iterator>

#include "engine/core/parallel.h"
#include "tests/fuzz/fuzzer.h"

namespace {

namespace fs = std::filesystem;
using tern::fuzz::Fuzzer;

std::string read_input(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// How many were tried; -1 after the first that was answered by something else than an Error.
int replay(const Fuzzer& fuzzer, const fs::path& folder) {
  int count = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::fprintf(stderr, "%s\n", entry.path().c_str());  // the last line names what ends the program
    try {
      fuzzer.run(read_input(entry.path()));
    } catch (const std::exception& error) {
      std::fprintf(stderr, "wanted no exception but tern's Error, got %s\n", error.what());
      return -1;
    }
    ++count;
  }
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || !fs::is_directory(argv[1])) {
    std::fprintf(stderr, "fuzz_replay: wanted a folder of inputs and names of fuzzers, got %s\n",
                 argc < 2 ? "nothing" : argv[1]);
    return 2;
  }
  tern::set_thread_count(1);
  std::vector<std::string> names(argv + 2, argv + argc);
  if (names.empty()) {
    for (const auto& entry : fs::directory_iterator(argv[1])) names.push_back(entry.path().filename());
  }
  for (const std::string& name : names) {
    const auto& all = tern::fuzz::fuzzers();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const Fuzzer& one) { return name == one.name; });
    if (found == all.end()) {
      std::fprintf(stderr, "fuzz_replay: wanted the name of a fuzzer, got %s\n", name.c_str());
      return 2;
    }
    const int count = replay(*found, fs::path(argv[1]) / name);
    if (count < 0) return 1;
    std::printf("%s: %d inputs\n", name.c_str(), count);
  }
  return 0;
}
