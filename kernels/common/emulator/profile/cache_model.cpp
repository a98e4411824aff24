#include "kernels/common/emulator/profile/cache_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/core/check.h"

namespace tern::emulator {
namespace {

constexpr std::size_t kLineBytes = 128, kSectorsOfLine = 4;
constexpr std::size_t kMostBytes = std::size_t{1} << 30;

}  // namespace

Cache::Cache(const CacheModel& model) : ways_(static_cast<std::size_t>(std::max(model.ways, 1))) {
  if (model.bytes > kMostBytes || model.ways < 1 || model.ways > 1024) {
    throw Error("CacheModel", "at most 1 GiB in 1 to 1024 ways",
                fmt::format("{} bytes in {} ways", model.bytes, model.ways));
  }
  if (model.bytes == 0) return;
  sets_ = std::max<std::size_t>(1, model.bytes / (kLineBytes * ways_));
  lines_.resize(sets_ * ways_);
}

Cache::Line& Cache::line_of(std::uintptr_t number) {
  Line* const set = &lines_[number % sets_ * ways_];
  Line* oldest = set;
  for (Line* line = set; line != set + ways_; ++line) {
    if (line->number == number) return *line;
    if (line->valid == 0 ? oldest->valid != 0 : oldest->valid != 0 && line->used < oldest->used)
      oldest = line;
  }
  counts_.written_back += std::popcount(oldest->dirty);
  *oldest = {number, 0, 0, 0};
  return *oldest;
}

void Cache::touch(std::uintptr_t sector, bool is_write) {
  if (++clock_ == 0) {  // once in four billion: all lines count as equally old
    for (Line& line : lines_) line.used = 0;
  }
  Line& line = line_of(sector / kSectorsOfLine);
  line.used = clock_;
  const auto bit = static_cast<std::uint8_t>(1u << sector % kSectorsOfLine);
  if (!is_write) ++((line.valid & bit) != 0 ? counts_.read_hits : counts_.read_misses);
  line.valid |= bit;
  if (is_write) line.dirty |= bit;
}

CacheCounts Cache::take() {
  for (Line& line : lines_) {
    counts_.written_back += std::popcount(line.dirty);
    line = {};
  }
  CacheCounts counts;
  std::swap(counts, counts_);
  return counts;
}

}  // namespace tern::emulator
