// What a cache of a given size would keep: lines of 128 bytes in four sectors, of which only those that are asked for are
// fetched, in sets that give up the line that was used longest ago.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tern::emulator {

/// An L2, empty when a launch begins (Nsight Compute empties it, too).
struct CacheModel {
  std::size_t bytes = 0;  ///< 0: none
  int ways = 16;          ///< lines of a set
};

/// Sectors of 32 bytes.
struct CacheCounts {
  std::int64_t read_hits = 0, read_misses = 0;
  std::int64_t written_back = 0;  ///< to DRAM, those included that are left at the end
};

/// Writes are kept until their line must go; a sector that is written is not fetched first.
class Cache {
 public:
  explicit Cache(const CacheModel& model);
  bool is_on() const { return !lines_.empty(); }

  void read(std::uintptr_t sector) { touch(sector, false); }
  void write(std::uintptr_t sector) { touch(sector, true); }
  /// What the accesses since the last call came to. The cache is empty afterwards.
  CacheCounts take();

 private:
  struct Line {
    std::uintptr_t number = ~std::uintptr_t{0};
    std::uint32_t used = 0;  ///< when, by clock_
    std::uint8_t valid = 0, dirty = 0;
  };

  void touch(std::uintptr_t sector, bool is_write);
  Line& line_of(std::uintptr_t number);

  std::size_t ways_, sets_ = 0;
  std::vector<Line> lines_;
  std::uint32_t clock_ = 0;
  CacheCounts counts_;
};

}  // namespace tern::emulator
