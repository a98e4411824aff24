#include "kernels/common/emulator/profile/tail_guard.h"

#include <algorithm>
#include <bit>

namespace tern::emulator {
namespace {

constexpr unsigned kWarp = 32;

std::uint64_t running_block() {
  return blockIdx.x + std::uint64_t{gridDim.x} * (blockIdx.y + std::uint64_t{gridDim.y} * blockIdx.z);
}

}  // namespace

BlockShape::BlockShape(dim3 block) : extents_{block.x, block.y, block.z} {
  const unsigned count = block.x * block.y * block.z;
  for (unsigned thread = 0; thread < count; ++thread)
    threads_.push_back({thread % block.x, thread / block.x % block.y, thread / (block.x * block.y)});
  for (unsigned first = 0; first < count; first += kWarp) {
    const unsigned lanes = count - first < kWarp ? (1u << (count - first)) - 1 : ~0u;
    warps_.push_back({lanes, {}});
    warps_.back().end = end_of(first / kWarp, lanes);
  }
}

AxisCounts BlockShape::end_of(unsigned warp, unsigned lanes) const {
  AxisCounts end{};
  for (unsigned rest = lanes; rest != 0; rest &= rest - 1) {
    const AxisCounts& at = threads_[warp * kWarp + static_cast<unsigned>(std::countr_zero(rest))];
    for (std::size_t axis = 0; axis < 3; ++axis) end[axis] = std::max(end[axis], at[axis] + 1);
  }
  return end;
}

unsigned BlockShape::lanes_before(unsigned warp, const AxisCounts& end) const {
  unsigned before = 0;
  for (unsigned rest = lanes_of(warp); rest != 0; rest &= rest - 1) {
    const auto lane = static_cast<unsigned>(std::countr_zero(rest));
    const AxisCounts& at = threads_[warp * kWarp + lane];
    if (at[0] < end[0] && at[1] < end[1] && at[2] < end[2]) before |= 1u << lane;
  }
  return before;
}

void TailGuard::note(const BlockShape& block, unsigned warp, unsigned lanes) {
  const std::uint64_t number = running_block();
  if (number != last_block_) ++blocks_;
  last_block_ = number;
  const AxisCounts& extents = block.extents();
  const AxisCounts begin{blockIdx.x * extents[0], blockIdx.y * extents[1], blockIdx.z * extents[2]};
  const bool is_whole = lanes == block.lanes_of(warp);
  const AxisCounts end = is_whole ? block.end_of(warp) : block.end_of(warp, lanes);
  for (std::size_t axis = 0; axis < 3; ++axis) end_[axis] = std::max(end_[axis], begin[axis] + end[axis]);
  if (is_whole)
    ++whole_;
  else
    note_part(block, warp, lanes, begin, end);
}

void TailGuard::note_part(const BlockShape& block, unsigned warp, unsigned lanes, const AxisCounts& begin,
                          const AxisCounts& end) {
  const std::int64_t missing = std::popcount(block.lanes_of(warp)) - std::popcount(lanes);
  const bool has_gaps = block.lanes_before(warp, end) != lanes;
  const bool is_same = partial_block_ == last_block_ && partial_warp_ == warp && partial_lanes_ == lanes;
  const bool is_one = partial_ == Partial::none || (partial_ == Partial::one && is_same);
  partial_ = is_one && !has_gaps ? Partial::one : Partial::many;
  partial_missing_ += missing;
  partial_block_ = last_block_;
  partial_warp_ = warp;
  partial_lanes_ = lanes;
  if (has_gaps) return;
  std::size_t cut = 0;
  for (std::size_t axis = 0; axis < 3; ++axis)
    cut |= (end[axis] < block.end_of(warp)[axis] ? 1u : 0u) << axis;
  Tail& tail = tails_[cut];
  bool is_farther = false, is_nearer = false;
  for (std::size_t axis = 0; axis < 3; ++axis) {
    if ((cut >> axis & 1u) == 0) continue;
    is_farther = is_farther || begin[axis] + end[axis] > tail.end[axis];
    is_nearer = is_nearer || begin[axis] + end[axis] < tail.end[axis];
  }
  if (is_nearer) return;
  if (is_farther) tail.lanes = 0;
  for (std::size_t axis = 0; axis < 3; ++axis) tail.end[axis] = begin[axis] + end[axis];
  tail.lanes += missing;
}

std::int64_t TailGuard::spare_lanes(const BlockShape& block, const AxisCounts& launch_end) const {
  const AxisCounts extents = block.extents();
  std::uint64_t reached = 1;  // blocks up to the last index
  for (std::size_t axis = 0; axis < 3; ++axis) reached *= (end_[axis] + extents[axis] - 1) / extents[axis];
  const bool is_of_most = 2 * static_cast<std::uint64_t>(blocks_) >= reached;
  std::int64_t spare = 0;
  for (std::size_t cut = 1; cut < tails_.size(); ++cut) {
    bool is_guard = true;
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if ((cut >> axis & 1u) == 0) continue;
      const bool is_beyond_first = end_[axis] > extents[axis] && is_of_most;
      const bool is_launch_end = end_[axis] == launch_end[axis] && launch_end[axis] > 1;
      is_guard = is_guard && tails_[cut].end[axis] == end_[axis] && (is_beyond_first || is_launch_end);
    }
    if (is_guard) spare += tails_[cut].lanes;
  }
  if (partial_ == Partial::one && whole_ > 0) spare = std::max(spare, partial_missing_);
  return spare;
}

}  // namespace tern::emulator
