#include "kernels/common/emulator/profile/profile.h"

#include <utility>

#include "kernels/common/emulator/profile/request_counter.h"

namespace tern::emulator {
namespace {

double ratio(std::int64_t count, std::int64_t of) {
  return of == 0 ? 0 : static_cast<double>(count) / static_cast<double>(of);
}

}  // namespace

AccessCounts& AccessCounts::operator+=(const AccessCounts& other) {
  requests += other.requests;
  lanes += other.lanes;
  bytes += other.bytes;
  sectors += other.sectors;
  ideal_sectors += other.ideal_sectors;
  lines += other.lines;
  wavefronts += other.wavefronts;
  ideal_wavefronts += other.ideal_wavefronts;
  contended += other.contended;
  return *this;
}

double AccessCounts::sectors_per_request() const {
  return ratio(sectors, requests);
}

double AccessCounts::lanes_per_request() const {
  return ratio(lanes, requests);
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
  RequestCounter::start(*this);
}

void Profile::name_array(const void* begin, std::size_t bytes, std::size_t element_bytes, std::string name) {
  arrays_.push_back({std::move(name), reinterpret_cast<std::uintptr_t>(begin), bytes, element_bytes});
}

Profile::~Profile() {
  RequestCounter::stop();
}

}  // namespace tern::emulator
