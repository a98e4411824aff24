// Reading zip archives, stored or deflated, without trusting them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

struct zip;

namespace tern {

/// An archive opened for reading. Every member throws Error{path, ...}. One thread at a time may use it.
class ZipArchive {
 public:
  /// Reads the directory. Throws for a file that is no zip archive or a truncated one, for two entries of one
  /// name, and for an entry that claims to unpack to more than its compressed bytes can hold.
  explicit ZipArchive(const std::filesystem::path& path);

  const std::vector<std::string>& names() const { return names_; }  ///< in the archive's order
  bool contains(std::string_view name) const { return entries_.contains(std::string(name)); }
  std::uint64_t size(std::string_view name) const;  ///< bytes when unpacked

  /// Unpacks an entry; into.size() must be its size. The checksum is verified.
  void read(std::string_view name, std::span<std::byte> into) const;
  /// The same into new memory. Throws if the entry is larger than max_bytes.
  std::vector<std::byte> read(std::string_view name, std::uint64_t max_bytes) const;

  /// Unpacks an entry and keeps nothing: throws if it is damaged. Takes a MiB whatever its size.
  void verify(std::string_view name) const;

  const std::filesystem::path& path() const { return path_; }

 private:
  struct Entry {
    std::uint64_t index, size;
  };
  struct Close {
    void operator()(struct zip* archive) const;
  };

  void add_entry(std::uint64_t index, std::uint64_t file_bytes);
  const Entry& entry(std::string_view name) const;

  std::filesystem::path path_;
  std::unique_ptr<struct zip, Close> archive_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, Entry> entries_;
};

}  // namespace tern
