#include "kernels/common/emulator/profile/request_counter.h"

#include <algorithm>
#include <bit>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"

namespace tern::emulator {
namespace {

constexpr std::uintptr_t kSector = 32;
constexpr std::size_t kBanks = 32, kBankBytes = 4;
constexpr unsigned kWarp = 32;

/// The addresses of the lanes that took part, sorted, each once.
template <typename Request>
std::vector<std::uintptr_t> distinct_addresses(const Request& request) {
  std::vector<std::uintptr_t> addresses;
  addresses.reserve(kWarp);
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    if ((request.lanes >> lane & 1u) != 0) addresses.push_back(request.addresses[lane]);
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  return addresses;
}

/// Passes over the banks for lanes `begin` .. `end`: as many as the fullest bank has distinct words.
template <typename Request>
std::int64_t wavefronts_of(const Request& request, unsigned begin, unsigned end) {
  std::vector<std::uintptr_t> words;
  for (unsigned lane = begin; lane < end; ++lane) {
    if ((request.lanes >> lane & 1u) == 0) continue;
    const std::uintptr_t first = request.addresses[lane] / kBankBytes;
    const std::uintptr_t last = (request.addresses[lane] + request.bytes - 1) / kBankBytes;
    for (std::uintptr_t word = first; word <= last; ++word) words.push_back(word);
  }
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::array<std::int64_t, kBanks> of_bank{};
  for (const std::uintptr_t word : words) ++of_bank[word % kBanks];
  return *std::max_element(of_bank.begin(), of_bank.end());
}

template <typename Request>
void count_wavefronts(const Request& request, AccessCounts& counts) {
  const auto lanes =
      static_cast<unsigned>(std::clamp<std::size_t>(kBanks * kBankBytes / request.bytes, 1, kWarp));
  for (unsigned begin = 0; begin < kWarp; begin += lanes) {
    const std::int64_t wavefronts = wavefronts_of(request, begin, begin + lanes);
    counts.wavefronts += wavefronts;
    counts.ideal_wavefronts += wavefronts > 0 ? 1 : 0;
  }
}

}  // namespace

void SectorSet::insert(std::uintptr_t sector) {
  const std::uintptr_t number = sector / kPage;
  if (number != last_number_) {
    last_ = &pages_[number];
    last_number_ = number;
  }
  if (last_->test(sector % kPage)) return;
  last_->set(sector % kPage);
  ++size_;
}

void RequestCounter::start(Profile& profile) {
  if (active_ != nullptr) throw Error("Profile", "one at a time", "another");
  active_ = new RequestCounter(profile);
  watch(kCounting, true);
}

void RequestCounter::stop() {
  watch(kCounting, false);
  delete active_;
  active_ = nullptr;
}

void RequestCounter::begin_launch(const KernelId& kernel, dim3 grid, dim3 block) {
  launch_ = {};
  launch_.kernel = kernel;
  launch_.grid = grid;
  launch_.block = block;
  threads_ = block.x * block.y * block.z;
  numbers_.clear();
  recent_.fill({{}, kNone});
  open_.assign((threads_ + kWarp - 1) / kWarp, {});
  read_ = {};
  written_ = {};
}

void RequestCounter::end_launch(std::size_t shared_bytes) {
  launch_.shared_bytes = shared_bytes;
  launch_.sectors_read = read_.size();
  launch_.sectors_written = written_.size();
  profile_->launches_.push_back(std::move(launch_));
}

std::size_t RequestCounter::number_of(const CodePlace& place, Space space, Access access) {
  const Key key{place, space, access};
  const auto hash = reinterpret_cast<std::uintptr_t>(place.code) + place.line;
  std::pair<Key, std::size_t>& recent = recent_[hash % recent_.size()];
  if (recent.second != kNone && recent.first == key) return recent.second;
  const auto [found, added] = numbers_.try_emplace(key, launch_.instructions.size());
  if (added) launch_.instructions.push_back({place, space, access, {}});
  recent = *found;
  return found->second;
}

/// All lanes of the warp that the block has.
unsigned RequestCounter::lanes_of(unsigned warp) const {
  const unsigned threads = std::min(kWarp, threads_ - warp * kWarp);
  return threads == kWarp ? ~0u : (1u << threads) - 1;
}

void RequestCounter::note(unsigned thread, const CodePlace& place, Space space, Access access,
                          std::uintptr_t address, std::size_t bytes) {
  const unsigned warp = thread / kWarp, lane = thread % kWarp;
  const std::size_t number = number_of(place, space, access);
  std::vector<OpenRequests>& of_warp = open_[warp];
  if (of_warp.size() <= number) of_warp.resize(number + 1);
  OpenRequests& open = of_warp[number];
  const std::uint32_t time = open.times[lane]++;
  if (time < open.first) {  // the others were long counted
    Request alone{1u << lane, bytes, {}};
    alone.addresses[lane] = address;
    return count(number, alone);
  }
  if (open.requests.size() <= time - open.first) open.requests.emplace_back();
  Request& request = open.requests[time - open.first];
  request.lanes |= 1u << lane;
  request.bytes = std::max(request.bytes, bytes);
  request.addresses[lane] = address;
  const bool is_whole = request.lanes == lanes_of(warp);
  if (!is_whole && open.requests.size() <= kMostOpen) return;
  Request& done = is_whole ? request : open.requests.front();
  count(number, done);
  done.lanes = 0;
  while (!open.requests.empty() && open.requests.front().lanes == 0) {
    open.requests.pop_front();
    ++open.first;
  }
}

void RequestCounter::note_warp_operation(unsigned warp, unsigned mask) {
  ++launch_.warp_operations;
  launch_.warp_operation_lanes += std::popcount(mask);
  if ((mask & lanes_of(warp)) == lanes_of(warp)) close(warp);
}

void RequestCounter::note_block_barrier() {
  launch_.block_barriers += static_cast<std::int64_t>(open_.size());
  end_block();
}

void RequestCounter::end_block() {
  for (unsigned warp = 0; warp < open_.size(); ++warp) close(warp);
}

/// All lanes have met: what some of them have not come by, they will not.
void RequestCounter::close(unsigned warp) {
  for (std::size_t number = 0; number < open_[warp].size(); ++number) {
    OpenRequests& open = open_[warp][number];
    for (const Request& request : open.requests) {
      if (request.lanes != 0) count(number, request);
    }
    open = {};
  }
}

void RequestCounter::count(std::size_t instruction, const Request& request) {
  InstructionCounts& counted = launch_.instructions[instruction];
  AccessCounts& counts = counted.counts;
  const int lanes = std::popcount(request.lanes);
  ++counts.requests;
  counts.lanes += lanes;
  counts.bytes += lanes * static_cast<std::int64_t>(request.bytes);
  if (counted.access == Access::atomic)
    counts.contended += lanes - static_cast<std::int64_t>(distinct_addresses(request).size());
  if (counted.space == Space::shared)
    count_wavefronts(request, counts);
  else
    count_sectors(request, counted.access, counts);
}

void RequestCounter::count_sectors(const Request& request, Access access, AccessCounts& counts) {
  const std::vector<std::uintptr_t> addresses = distinct_addresses(request);
  std::uintptr_t next = 0;  // none below is new
  for (const std::uintptr_t address : addresses) {
    const std::uintptr_t last = (address + request.bytes - 1) / kSector;
    for (std::uintptr_t sector = std::max(address / kSector, next); sector <= last; ++sector) {
      ++counts.sectors;
      if (access != Access::write) read_.insert(sector);
      if (access != Access::read) written_.insert(sector);
    }
    next = last + 1;
  }
  counts.ideal_sectors +=
      static_cast<std::int64_t>((addresses.size() * request.bytes + kSector - 1) / kSector);
}

}  // namespace tern::emulator
