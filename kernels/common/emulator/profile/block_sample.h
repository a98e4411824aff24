// What a few blocks of a launch say of all of them: counts in proportion, and memory that blocks share by which of them share it.
//
// A sector that every block of the box along an axis touches is taken for one that all blocks along that axis of the grid touch
// (a matrix's rows along x, say), any other for one of its kind that each such stretch of the grid has. So the whole launch's distinct
// sectors follow. An L2 keeps what is touched again if all that is touched in between fits: blocks run one after another, x first, so
// between two steps along y lies one whole row of blocks, along z one whole layer.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "kernels/common/emulator/block_box.h"
#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

inline constexpr std::int64_t kMostSampled = 64;  ///< blocks: a bit each

class BlockSample {
 public:
  /// Of all blocks: nothing is kept, nothing scaled.
  BlockSample() = default;
  /// Of at most kMostSampled.
  BlockSample(dim3 grid, const BlockBox& box);
  bool is_on() const { return blocks_run_ > 0; }

  // Of the block that runs.
  void note_read(std::uintptr_t sector) { touched_[sector].read |= bit(); }
  void note_write(std::uintptr_t sector) { touched_[sector].written |= bit(); }
  void note_atomic(std::uintptr_t address) {
    Atomics& atomics = atomics_[address];
    ++atomics.count;
    atomics.blocks |= bit();
  }
  void note_l2_read() { ++l2_reads_; }

  /// From counts of the box to those of the grid. `cache_bytes`: of L2, or 0.
  void extrapolate(LaunchProfile& launch, std::size_t cache_bytes) const;

 private:
  using Blocks = std::uint64_t;  ///< a bit for each of the box
  struct Touched {
    Blocks read = 0, written = 0;
  };
  struct Atomics {
    std::int64_t count = 0;
    Blocks blocks = 0;
  };
  /// Sectors that the same blocks touch in the same way.
  struct Kind {
    Touched by;
    double sectors = 0;
  };

  Blocks bit() const { return Blocks{1} << box_.number_of(blockIdx); }
  std::vector<Kind> kinds() const;
  /// Coordinates along the axis that have one of the blocks.
  int coordinates(Blocks blocks, std::size_t axis) const;
  bool is_shared(Blocks blocks, std::size_t axis) const;
  /// How many times as many the whole axis has; 1 for what it shares.
  double growth(Blocks blocks, std::size_t axis) const;
  /// Sectors of the whole grid that are like one that these blocks touch.
  double copies(Blocks blocks) const;
  /// By axis: whether what lies between two steps along it fits in the cache.
  std::array<bool, 3> fits(const std::vector<Kind>& kinds, std::size_t cache_bytes) const;
  /// How often, for all those copies, the cache must fetch it.
  double fetches(Blocks blocks, const std::array<bool, 3>& fits) const;
  std::int64_t scaled(std::int64_t count) const;

  BlockBox box_;
  std::array<double, 3> side_{}, whole_{};     ///< by axis: of the box, of the grid
  std::array<std::vector<Blocks>, 3> lines_;   ///< by axis: the blocks of each line along it
  std::array<std::vector<Blocks>, 3> slices_;  ///< by axis: the blocks of each coordinate
  std::int64_t blocks_ = 0, blocks_run_ = 0;   ///< blocks of the grid, and of the box
  std::unordered_map<std::uintptr_t, Touched> touched_;
  std::unordered_map<std::uintptr_t, Atomics> atomics_;
  std::int64_t l2_reads_ = 0;
};

}  // namespace tern::emulator
