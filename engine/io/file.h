// Whole files: read at once, or written beside their name and renamed when complete, so that a reader never
// sees half a file and a full disk or a crash leaves the old one as it was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tern {

/// The bytes of a regular file. Throws Error{path, ...} if it is absent, no regular file, or over
/// `most_bytes`.
std::vector<std::byte> read_file(const std::filesystem::path& path,
                                 std::uint64_t most_bytes = std::uint64_t{1} << 34);
std::string read_text_file(const std::filesystem::path& path,
                           std::uint64_t most_bytes = std::uint64_t{1} << 30);

/// Collects a file under a temporary name in the same folder; commit() flushes it to the disk and renames it.
/// Destroyed without commit(), it removes what it wrote. Every member throws Error{path, ...} on failure.
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  void commit();

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::filesystem::path path_, temporary_;
  int descriptor_ = -1;
};

void write_file(const std::filesystem::path& path, std::string_view text);  ///< AtomicFile, write, commit

}  // namespace tern
