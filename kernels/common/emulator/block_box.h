// Which blocks of a launch are run: all of them, or a few in the middle of the grid. For the emulator alone.
#pragma once

#include <cstdint>

#include "kernels/common/emulator/emulator.h"

namespace tern::emulator {

struct BlockBox {
  uint3 begin{0, 0, 0};
  dim3 extents{1};

  std::int64_t count() const { return static_cast<std::int64_t>(extents.x) * extents.y * extents.z; }
  /// Of one of its blocks: its number in the box, x fastest.
  std::int64_t number_of(uint3 block) const {
    return (block.x - begin.x) + static_cast<std::int64_t>(extents.x) *
                                     ((block.y - begin.y) + std::int64_t{extents.y} * (block.z - begin.z));
  }
};

inline BlockBox all_blocks(dim3 grid) {
  return {{0, 0, 0}, grid};
}

/// At most `most` blocks from the middle, neighbours along every axis if there are enough of them: the grid's shorter axes are
/// taken whole, the longer ones alike.
BlockBox middle_blocks(dim3 grid, std::int64_t most);
/// Those, or all if there are no more or `most` is 0.
inline BlockBox blocks_to_run(dim3 grid, std::int64_t most) {
  return most > 0 && most < all_blocks(grid).count() ? middle_blocks(grid, most) : all_blocks(grid);
}

}  // namespace tern::emulator
