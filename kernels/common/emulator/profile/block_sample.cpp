#include "kernels/common/emulator/profile/block_sample.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace tern::emulator {
namespace {

constexpr double kSectorBytes = 32;

std::int64_t rounded(double count) {
  return std::llround(count);
}

}  // namespace

BlockSample::BlockSample(dim3 grid, const BlockBox& box)
    : box_(box),
      side_{static_cast<double>(box.extents.x), static_cast<double>(box.extents.y),
            static_cast<double>(box.extents.z)},
      whole_{static_cast<double>(grid.x), static_cast<double>(grid.y), static_cast<double>(grid.z)},
      blocks_(all_blocks(grid).count()),
      blocks_run_(box.count()) {
  const std::array<unsigned, 3> sides{box.extents.x, box.extents.y, box.extents.z};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    slices_[axis].assign(sides[axis], 0);
    std::map<unsigned, Blocks> lines;  // by number of their first block
    unsigned stride = 1;
    for (std::size_t lower = 0; lower < axis; ++lower) stride *= sides[lower];
    for (unsigned block = 0; block < static_cast<unsigned>(blocks_run_); ++block) {
      const unsigned coordinate = block / stride % sides[axis];
      slices_[axis][coordinate] |= Blocks{1} << block;
      lines[block - coordinate * stride] |= Blocks{1} << block;
    }
    for (const auto& [first, blocks] : lines) lines_[axis].push_back(blocks);
  }
}

std::vector<BlockSample::Kind> BlockSample::kinds() const {
  std::map<std::pair<Blocks, Blocks>, double> counts;
  for (const auto& [sector, by] : touched_) ++counts[{by.read, by.written}];
  std::vector<Kind> all;
  for (const auto& [by, sectors] : counts) all.push_back({{by.first, by.second}, sectors});
  return all;
}

int BlockSample::coordinates(Blocks blocks, std::size_t axis) const {
  return static_cast<int>(std::count_if(slices_[axis].begin(), slices_[axis].end(),
                                        [=](Blocks slice) { return (slice & blocks) != 0; }));
}

bool BlockSample::is_shared(Blocks blocks, std::size_t axis) const {
  return side_[axis] > 1 && std::any_of(lines_[axis].begin(), lines_[axis].end(),
                                        [=](Blocks line) { return (line & blocks) == line; });
}

double BlockSample::growth(Blocks blocks, std::size_t axis) const {
  return is_shared(blocks, axis) ? 1 : whole_[axis] / side_[axis];
}

double BlockSample::copies(Blocks blocks) const {
  return growth(blocks, 0) * growth(blocks, 1) * growth(blocks, 2);
}

std::array<bool, 3> BlockSample::fits(const std::vector<Kind>& kinds, std::size_t cache_bytes) const {
  std::array<bool, 3> fits{};
  for (std::size_t axis = 0; axis < 3; ++axis) {
    double between = 0;  // the axes below whole, of this one and those above one coordinate
    for (const Kind& kind : kinds) {
      const Blocks blocks = kind.by.read | kind.by.written;
      double sectors = kind.sectors;
      for (std::size_t other = 0; other < 3; ++other)
        sectors *= other < axis ? growth(blocks, other) : coordinates(blocks, other) / side_[other];
      between += sectors;
    }
    fits[axis] = between * kSectorBytes <= static_cast<double>(cache_bytes);
  }
  return fits;
}

/// Along an axis whose steps fit once, along another at each step.
double BlockSample::fetches(Blocks blocks, const std::array<bool, 3>& fits) const {
  double times = 1;
  for (std::size_t axis = 0; axis < 3; ++axis)
    times *= fits[axis] ? growth(blocks, axis) : coordinates(blocks, axis) * whole_[axis] / side_[axis];
  return times;
}

std::int64_t BlockSample::scaled(std::int64_t count) const {
  return count / blocks_run_ * blocks_ +
         rounded(static_cast<double>(count % blocks_run_) * static_cast<double>(blocks_) /
                 static_cast<double>(blocks_run_));
}

void BlockSample::extrapolate(LaunchProfile& launch, std::size_t cache_bytes) const {
  launch.blocks_run = blocks_run_;
  for (InstructionCounts& one : launch.instructions) {
    for (std::int64_t AccessCounts::*count : AccessCounts::kAll)
      one.counts.*count = scaled(one.counts.*count);
  }
  for (std::int64_t* count : {&launch.warp_operations, &launch.warp_operation_lanes, &launch.block_barriers,
                              &launch.block_sectors_read, &launch.load_misses, &launch.load_rounds})
    *count = scaled(*count);
  for (std::int64_t& operations : launch.tensor_operations) operations = scaled(operations);

  const std::vector<Kind> all = kinds();
  const std::array<bool, 3> kept = fits(all, cache_bytes);
  double read = 0, written = 0, fetched = 0, written_back = 0;
  for (const Kind& kind : all) {
    if (kind.by.read != 0) {
      read += kind.sectors * copies(kind.by.read);
      fetched += kind.sectors * fetches(kind.by.read, kept);
    }
    if (kind.by.written != 0) {
      written += kind.sectors * copies(kind.by.written);
      written_back += kind.sectors * fetches(kind.by.written, kept);
    }
  }
  launch.sectors_read = rounded(read);
  launch.sectors_written = rounded(written);
  if (cache_bytes > 0) {
    const std::int64_t reads = scaled(l2_reads_);
    launch.cache.read_misses = std::min(rounded(fetched), reads);
    launch.cache.read_hits = reads - launch.cache.read_misses;
    launch.cache.written_back = rounded(written_back);
  }
  launch.hottest_atomics = 0;
  for (const auto& [address, atomics] : atomics_) {
    double times = static_cast<double>(atomics.count);
    for (std::size_t axis = 0; axis < 3; ++axis)
      if (is_shared(atomics.blocks, axis)) times *= whole_[axis] / side_[axis];
    launch.hottest_atomics = std::max(launch.hottest_atomics, rounded(times));
  }
}

}  // namespace tern::emulator
