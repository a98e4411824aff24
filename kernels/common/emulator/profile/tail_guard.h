// Lanes that take no part in a request because no element is left for them: `if (i < n)` in the last warps. That is no
// divergence that could be mended. For the emulator alone.
//
// A kernel's source is not known here, only which lanes come. Lanes that stay away are taken for such if they are the end of
// their warp along an axis of threadIdx, and
//   - lie beyond all of blockIdx * blockDim + threadIdx that ever come to the instruction, where these reach past the first block
//     or as far as any of the launch's threads do, or
//   - are of the only warp of the launch that comes with a part of its lanes, the same ones each time, while others come whole.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "kernels/common/emulator/profile/profile.h"

namespace tern::emulator {

/// Along x, y and z.
using AxisCounts = std::array<std::uint64_t, 3>;

/// Where the threads of a block lie.
class BlockShape {
 public:
  BlockShape() = default;
  explicit BlockShape(dim3 block);
  const AxisCounts& extents() const { return extents_; }
  /// All lanes of a warp that the block has.
  unsigned lanes_of(unsigned warp) const { return warps_[warp].lanes; }
  /// One past the last of them along each axis.
  const AxisCounts& end_of(unsigned warp) const { return warps_[warp].end; }
  /// The same of some of them.
  AxisCounts end_of(unsigned warp, unsigned lanes) const;
  /// Those that lie before the end along each axis.
  unsigned lanes_before(unsigned warp, const AxisCounts& end) const;

 private:
  struct WarpShape {
    unsigned lanes = 0;
    AxisCounts end{};
  };
  AxisCounts extents_{1, 1, 1};
  std::vector<AxisCounts> threads_;
  std::vector<WarpShape> warps_;
};

/// Of one instruction.
class TailGuard {
 public:
  /// A request by lanes of a warp of the block that runs.
  void note(const BlockShape& block, unsigned warp, unsigned lanes);
  /// One past the last index that has come, along each axis.
  const AxisCounts& end() const { return end_; }
  /// Lanes that guards have kept from it, of all its requests. `end`: of the whole launch.
  std::int64_t spare_lanes(const BlockShape& block, const AxisCounts& end) const;

 private:
  void note_part(const BlockShape& block, unsigned warp, unsigned lanes, const AxisCounts& begin,
                 const AxisCounts& end);

  /// Requests that end before their warp does along some axes, as far out as any was.
  struct Tail {
    AxisCounts end{};
    std::int64_t lanes = 0;  ///< that did not come
  };

  AxisCounts end_{};
  std::array<Tail, 8> tails_{};  ///< by the axes that are cut short, a bit each
  std::int64_t whole_ = 0, blocks_ = 0;
  std::uint64_t last_block_ = ~std::uint64_t{0};
  // The one warp that came with a part of its lanes.
  enum class Partial { none, one, many } partial_ = Partial::none;
  std::uint64_t partial_block_ = 0;
  unsigned partial_warp_ = 0, partial_lanes_ = 0;
  std::int64_t partial_missing_ = 0;
};

}  // namespace tern::emulator
