// What every fuzzer here is made of. A fuzzer is one file, fuzz_NAME.cpp:
//
//   // Parser: FILE...                        whose lines scripts/fuzz.sh counts, or FILE:FUNCTION,FUNCTION
//   // Link: LIBRARY                        of tern's, with all below it
//   // Dictionary: OTHER                      dictionaries/OTHER.dict; without it NAME.dict, if there is one
//   TERN_FUZZER(NAME) { ... input ... }       input: a std::string_view of any bytes
//
// Error is the answer that bad input should get, and the only one: whatever else leaves a parser ends the program, as do what
// ASan and UBSan find and what expect() is told. With TERN_FUZZ each is a program of its own, run by libFuzzer; otherwise all are
// one program, which tries the inputs that were once answered wrongly (replay.cpp).
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/core/check.h"
#include "tests/support/temporary_folder.h"

namespace tern::fuzz {

struct Fuzzer {
  const char* name;
  void (*run)(std::string_view input);
};

/// Those of this program.
inline std::vector<Fuzzer>& fuzzers() {
  static std::vector<Fuzzer> all;
  return all;
}

#define TERN_FUZZER(name)                                                             \
  static void fuzz_##name(std::string_view input);                                    \
  [[maybe_unused]] static const auto& added_##name =                                  \
      ::tern::fuzz::fuzzers().emplace_back(::tern::fuzz::Fuzzer{#name, fuzz_##name}); \
  static void fuzz_##name(std::string_view input)

/// Runs `body`; false where it throws Error.
template <typename Body>
bool accepted(Body&& body) {
  try {
    body();
    return true;
  } catch (const Error&) {
    return false;
  }
}

/// Ends the program unless `fact`.
inline void expect(bool fact, const char* what) {
  if (fact) return;
  std::fprintf(stderr, "fuzzer: wanted %s\n", what);
  std::abort();
}

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

/// A file without a disk, for what is read by its path.
class MemoryFile {
 public:
  explicit MemoryFile(std::string_view contents) : descriptor_(memfd_create("fuzz", MFD_CLOEXEC)) {
    expect(descriptor_ >= 0 &&
               write(descriptor_, contents.data(), contents.size()) == static_cast<ssize_t>(contents.size()),
           "a file in memory");
  }
  ~MemoryFile() { close(descriptor_); }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;

  std::filesystem::path path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

/// The files of a folder, which is there as long as the program; scripts/fuzz.sh has it in memory (TMPDIR).
class Folder {
 public:
  std::filesystem::path operator/(std::string_view name) const { return folder_ / name; }
  const std::filesystem::path& path() const { return folder_.path(); }

  /// The file, in place of what was there; none for what has no data().
  void write(std::string_view name, std::string_view contents) const {
    const std::filesystem::path path = folder_ / name;
    if (contents.data() == nullptr) {
      std::filesystem::remove(path);
      return;
    }
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file.write(contents.data(), static_cast<std::streamsize>(contents.size()));
    expect(static_cast<bool>(file.flush()), "a file in the fuzzer's folder");
  }

 private:
  test::TemporaryFolder folder_;
};

/// An input as `count` files, parted by lines "----". Those that it has no more of are absent (without data()).
inline std::vector<std::string_view> parts_of(std::string_view input, std::size_t count) {
  constexpr std::string_view kParting = "----\n";
  std::vector<std::string_view> parts;
  while (parts.size() + 1 < count) {
    const std::size_t end = input.find(kParting);
    parts.push_back(input.substr(0, end));
    if (end == input.npos) break;
    input.remove_prefix(end + kParting.size());
    if (parts.size() + 1 == count) parts.push_back(input);
  }
  if (count == 1) parts.push_back(input);
  parts.resize(count);
  return parts;
}

}  // namespace tern::fuzz
