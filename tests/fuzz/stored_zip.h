// A zip archive of entries that are stored as they are, so that a fuzzer's bytes pass its checksums.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/fuzz/checksum.h"

namespace tern::fuzz {

struct ZipEntry {
  std::string name;
  std::string_view bytes;
};

inline std::string stored_zip(const std::vector<ZipEntry>& entries) {
  std::string zip, directory;
  const auto put = [](std::string& to, std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) to += static_cast<char>(value >> (8 * i));
  };
  for (const ZipEntry& entry : entries) {
    const std::size_t at = zip.size();
    // Version needed, flags, method, time, date, checksum, two sizes, lengths of the name and of more.
    std::string common;
    for (const int value : {20, 0, 0, 0, 0x21}) put(common, static_cast<std::uint64_t>(value), 2);
    put(common, crc32(entry.bytes), 4);
    put(common, entry.bytes.size(), 4);
    put(common, entry.bytes.size(), 4);
    put(common, entry.name.size(), 2);
    put(common, 0, 2);
    zip += "PK\x03\x04" + common + entry.name;
    zip += entry.bytes;
    directory += "PK\x01\x02";
    put(directory, 20, 2);
    directory += common + std::string(10, '\0');
    put(directory, at, 4);
    directory += entry.name;
  }
  const std::size_t at = zip.size();
  zip += directory + "PK\x05\x06" + std::string(4, '\0');
  put(zip, entries.size(), 2);
  put(zip, entries.size(), 2);
  put(zip, directory.size(), 4);
  put(zip, at, 4);
  put(zip, 0, 2);
  return zip;
}

}  // namespace tern::fuzz
