#include "kernels/common/emulator/profile/profile.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <utility>

#include "engine/core/check.h"
#include "kernels/common/emulator/profile/block_sample.h"
#include "kernels/common/emulator/profile/request_counter.h"

namespace tern::emulator {
namespace {

double ratio(std::int64_t count, std::int64_t of) {
  return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
}

}  // namespace

constexpr std::array<std::int64_t AccessCounts::*, 9> AccessCounts::kAll{
    &AccessCounts::requests,      &AccessCounts::lanes,
    &AccessCounts::bytes,         &AccessCounts::sectors,
    &AccessCounts::ideal_sectors, &AccessCounts::lines,
    &AccessCounts::wavefronts,    &AccessCounts::ideal_wavefronts,
    &AccessCounts::contended};

AccessCounts& AccessCounts::operator+=(const AccessCounts& other) {
  for (std::int64_t AccessCounts::*count : kAll) this->*count += other.*count;
  return *this;
}

double AccessCounts::sectors_per_request() const {
  return ratio(sectors, requests);
}

double AccessCounts::lanes_per_request() const {
  return ratio(lanes, requests);
}

std::optional<std::int64_t> Request::distance() const {
  std::optional<std::int64_t> common;
  std::optional<std::uintptr_t> before;
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1u) == 0) continue;
    if (before) {
      const auto distance = static_cast<std::int64_t>(addresses[lane] - *before);
      if (common && *common != distance) return std::nullopt;
      common = distance;
    }
    before = addresses[lane];
  }
  return common;
}

bool Request::has_gaps() const {
  const int first = std::countr_zero(lanes), last = 31 - std::countl_zero(lanes);
  if (lanes == 0 || std::popcount(lanes) == last - first + 1) return false;
  for (int lane = first; lane <= last; ++lane) {
    const bool is_in = (lanes >> lane & 1u) != 0;
    const std::uintptr_t own =
        addresses[static_cast<std::size_t>(first)] + static_cast<std::size_t>(lane - first) * bytes;
    if (is_in && addresses[static_cast<std::size_t>(lane)] != own) return false;
  }
  return true;
}

std::uintptr_t Request::lowest_address() const {
  std::uintptr_t lowest = ~std::uintptr_t{0};
  for (unsigned lane = 0; lane < 32; ++lane) {
    if ((lanes >> lane & 1u) != 0) lowest = std::min(lowest, addresses[lane]);
  }
  return lowest;
}

AccessCounts LaunchProfile::total(Space space, Access access) const {
  AccessCounts sum;
  for (const InstructionCounts& one : instructions) {
    if (one.space == space && one.access == access) sum += one.counts;
  }
  return sum;
}

std::int64_t LaunchProfile::blocks() const {
  return static_cast<std::int64_t>(grid.x) * grid.y * grid.z;
}

std::int64_t LaunchProfile::warps() const {
  return blocks() * ((static_cast<std::int64_t>(block.x) * block.y * block.z + 31) / 32);
}

const ArrayRange* LaunchProfile::array_of(std::uintptr_t address) const {
  for (const ArrayRange& array : arrays) {
    if (address - array.begin < array.bytes) return &array;
  }
  return nullptr;
}

Profile::Profile(const ProfileOptions& options) : options_(options) {
  if (options.sample_blocks < 0 || options.sample_blocks > kMostSampled) {
    throw Error("Profile", fmt::format("a sample of at most {} blocks, or 0 for all", kMostSampled),
                std::to_string(options.sample_blocks));
  }
  RequestCounter::start(*this);
}

void Profile::name_array(const void* begin, std::size_t bytes, std::size_t element_bytes, std::string name) {
  arrays_.push_back({std::move(name), reinterpret_cast<std::uintptr_t>(begin), bytes, element_bytes});
}

Profile::~Profile() {
  RequestCounter::stop();
}

}  // namespace tern::emulator
