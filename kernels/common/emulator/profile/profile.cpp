#include "kernels/common/emulator/profile/profile.h"

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

Profile::Profile() {
  RequestCounter::start(*this);
}

Profile::~Profile() {
  RequestCounter::stop();
}

}  // namespace tern::emulator
