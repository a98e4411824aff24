#include "kernels/common/emulator/block_box.h"

#include <algorithm>
#include <array>

namespace tern::emulator {

BlockBox middle_blocks(dim3 grid, std::int64_t most) {
  const std::array<std::int64_t, 3> all{grid.x, grid.y, grid.z};
  std::array<std::int64_t, 3> taken{1, 1, 1};
  for (;;) {  // double the shortest side that can grow
    std::size_t shortest = 3;
    std::int64_t grown = 0;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      const std::int64_t next = std::min(2 * taken[axis], all[axis]);
      if (next == taken[axis] || taken[0] * taken[1] * taken[2] / taken[axis] * next > most) continue;
      if (shortest < 3 && taken[axis] >= taken[shortest]) continue;
      shortest = axis;
      grown = next;
    }
    if (shortest == 3) break;
    taken[shortest] = grown;
  }
  // At a multiple of the side: where groups of neighbours share something, the box has whole groups.
  const auto begin = [&](std::size_t axis) {
    const std::int64_t middle = all[axis] / 2 / taken[axis] * taken[axis];
    return static_cast<unsigned>(std::min(middle, all[axis] - taken[axis]));
  };
  return {{begin(0), begin(1), begin(2)}, dim3(taken[0], taken[1], taken[2])};
}

}  // namespace tern::emulator
