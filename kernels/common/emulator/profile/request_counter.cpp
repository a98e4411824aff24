#include "kernels/common/emulator/profile/request_counter.h"

#include <algorithm>
#include <bit>
#include <cstdlib>

#include "engine/core/check.h"
#include "kernels/common/emulator/accesses.h"
#include "kernels/common/emulator/allocations.h"

namespace tern::emulator {
namespace {

constexpr std::uintptr_t kSector = 32, kSectorsOfLine = 4;
constexpr std::size_t kBanks = 32, kBankBytes = 4;
constexpr unsigned kWarp = 32;

/// The addresses of the lanes that took part, sorted, each once.
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

void count_wavefronts(const Request& request, AccessCounts& counts) {
  const auto lanes =
      static_cast<unsigned>(std::clamp<std::size_t>(kBanks * kBankBytes / request.bytes, 1, kWarp));
  for (unsigned begin = 0; begin < kWarp; begin += lanes) {
    const std::int64_t wavefronts = wavefronts_of(request, begin, begin + lanes);
    counts.wavefronts += wavefronts;
    counts.ideal_wavefronts += wavefronts > 0 ? 1 : 0;
  }
}

/// What a request costs beyond what it must.
std::int64_t excess_of(const AccessCounts& counts) {
  return counts.sectors - counts.ideal_sectors + counts.bank_conflicts() + counts.contended;
}

/// What requests that are not at their ideal have in common.
void note_stride(InstructionCounts& counted, const Request& request) {
  if (std::has_single_bit(request.lanes) || counted.stride == 0) return;
  const std::int64_t distance = request.has_gaps() ? 0 : request.distance().value_or(0);
  const bool is_first = !counted.stride.has_value();
  counted.stride = is_first || counted.stride == distance ? distance : 0;
  if (counted.stride == 0) return;
  const auto offset =
      static_cast<std::int64_t>(request.lowest_address() % static_cast<std::uintptr_t>(std::abs(distance)));
  counted.offset = is_first || counted.offset == offset ? offset : -1;
}

}  // namespace

bool SectorSet::insert(std::uintptr_t sector, std::uint32_t block) {
  const std::uintptr_t number = sector / kPage;
  if (number != last_number_) {
    std::unique_ptr<Page>& page = pages_[number];
    if (page == nullptr) page = std::make_unique<Page>();
    last_ = page.get();
    last_number_ = number;
  }
  const std::uint32_t before = std::exchange((*last_)[sector % kPage], block);
  if (before == 0) ++size_;
  return before != block;
}

RequestCounter::RequestCounter(Profile& profile)
    : profile_(&profile), cache_(profile.options_.cache), trace_(profile.options_.trace) {}

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

BlockBox RequestCounter::begin_launch(const KernelId& kernel, dim3 grid, dim3 block) {
  launch_ = {};
  launch_.kernel = kernel;
  launch_.grid = grid;
  launch_.block = block;
  shape_ = BlockShape(block);
  guards_.clear();
  numbers_.clear();
  recent_.fill({{}, kNone});
  open_.assign((block.x * block.y * block.z + kWarp - 1) / kWarp, {});
  loads_.assign(open_.size(), false);
  read_ = {};
  written_ = {};
  block_ = 1;
  atomics_.clear();
  if (cache_.is_on()) cache_.take();
  trace_.begin_launch(launch_number_++, open_.size());
  const BlockBox box = blocks_to_run(grid, profile_->options_.sample_blocks);
  launch_.blocks_run = box.count();
  sample_ = launch_.blocks_run < launch_.blocks() ? BlockSample(grid, box) : BlockSample();
  return box;
}

void RequestCounter::end_launch(const SharedMemory& shared) {
  launch_.shared_bytes = shared.used_bytes();
  launch_.sectors_read = read_.size();
  launch_.sectors_written = written_.size();
  if (cache_.is_on()) launch_.cache = cache_.take();
  for (const auto& [address, count] : atomics_)
    launch_.hottest_atomics = std::max(launch_.hottest_atomics, count);
  if (sample_.is_on())
    sample_.extrapolate(launch_, profile_->options_.cache.bytes);
  else
    note_spare_lanes();
  launch_.arrays = profile_->arrays_;
  for (ArrayRange& array : Allocations::instance().named()) launch_.arrays.push_back(std::move(array));
  for (ArrayRange& array : shared.arrays()) launch_.arrays.push_back(std::move(array));
  trace_.end_launch(launch_);
  profile_->launches_.push_back(std::move(launch_));
}

std::size_t RequestCounter::number_of(const CodePlace& place, Space space, Access access) {
  const Key key{place, space, access};
  const auto hash = reinterpret_cast<std::uintptr_t>(place.code) + place.line;
  std::pair<Key, std::size_t>& recent = recent_[hash % recent_.size()];
  if (recent.second != kNone && recent.first == key) return recent.second;
  const auto [found, added] = numbers_.try_emplace(key, launch_.instructions.size());
  if (added) {
    InstructionCounts& counted = launch_.instructions.emplace_back();
    counted.place = place;
    counted.space = space;
    counted.access = access;
    guards_.emplace_back();
  }
  recent = *found;
  return found->second;
}

void RequestCounter::note(unsigned thread, const CodePlace& place, Space space, Access access,
                          std::uintptr_t address, std::size_t bytes) {
  const unsigned warp = thread / kWarp, lane = thread % kWarp;
  const std::size_t number = number_of(place, space, access);
  if (trace_.wants_block()) trace_.note_work(warp, 1u << lane, &space);
  if (trace_.wants(warp)) trace_.note(lane, number, place, space, access, address, bytes);
  std::vector<OpenRequests>& of_warp = open_[warp];
  if (of_warp.size() <= number) of_warp.resize(number + 1);
  OpenRequests& open = of_warp[number];
  const std::uint32_t time = open.times[lane]++;
  if (time < open.first) {  // the others were long counted
    Request alone{.lanes = 1u << lane, .bytes = bytes, .addresses = {}};
    alone.addresses[lane] = address;
    return count(number, warp, alone);
  }
  if (open.requests.size() <= time - open.first) open.requests.emplace_back();
  Request& request = open.requests[time - open.first];
  request.lanes |= 1u << lane;
  request.bytes = std::max(request.bytes, bytes);
  request.addresses[lane] = address;
  const bool is_whole = request.lanes == shape_.lanes_of(warp);
  if (!is_whole && open.requests.size() <= kMostOpen) return;
  Request& done = is_whole ? request : open.requests.front();
  count(number, warp, done);
  done.lanes = 0;
  while (!open.requests.empty() && open.requests.front().lanes == 0) {
    open.requests.pop_front();
    ++open.first;
  }
}

void RequestCounter::note_warp_operation(unsigned warp, unsigned mask, const char* operation,
                                         const CodePlace& place, bool waits) {
  ++launch_.warp_operations;
  launch_.warp_operation_lanes += std::popcount(mask);
  const bool is_whole = (mask & shape_.lanes_of(warp)) == shape_.lanes_of(warp);
  if (trace_.wants_block()) trace_.note_work(warp, mask, nullptr);
  if (trace_.wants(warp))
    trace_.note_meeting(mask, is_whole, TraceStep::Kind::warp_operation, operation, place);
  if (is_whole) close(warp, waits);
}

void RequestCounter::note_block_barrier(const char* operation, const CodePlace& place) {
  launch_.block_barriers += static_cast<std::int64_t>(open_.size());
  for (unsigned warp = 0; warp < open_.size(); ++warp) {
    if (trace_.wants(warp))
      trace_.note_meeting(shape_.lanes_of(warp), true, TraceStep::Kind::block_barrier, operation, place);
  }
  if (trace_.wants_block()) trace_.end_stretch(operation, place);
  close_all();
}

void RequestCounter::end_block() {
  if (trace_.wants_block()) trace_.end_block();
  close_all();
  if (++block_ == 0) block_ = 1;  // after four billion
}

void RequestCounter::close_all() {
  for (unsigned warp = 0; warp < open_.size(); ++warp) close(warp, /*waits=*/true);
}

/// All lanes have met: what some of them have not come by, they will not.
void RequestCounter::close(unsigned warp, bool waits) {
  for (std::size_t number = 0; number < open_[warp].size(); ++number) {
    OpenRequests& open = open_[warp][number];
    for (const Request& request : open.requests) {
      if (request.lanes != 0) count(number, warp, request);
    }
    open = {};
  }
  if (!waits) return;
  if (loads_[warp]) ++launch_.load_rounds;
  loads_[warp] = false;
}

/// Of a whole launch: in a sample's last block the data do not end.
void RequestCounter::note_spare_lanes() {
  AxisCounts end{};
  for (const TailGuard& guard : guards_) {
    for (std::size_t axis = 0; axis < end.size(); ++axis) end[axis] = std::max(end[axis], guard.end()[axis]);
  }
  for (std::size_t i = 0; i < guards_.size(); ++i)
    launch_.instructions[i].spare_lanes = guards_[i].spare_lanes(shape_, end);
}

void RequestCounter::count(std::size_t instruction, unsigned warp, const Request& request) {
  InstructionCounts& counted = launch_.instructions[instruction];
  const int lanes = std::popcount(request.lanes);
  AccessCounts counts{
      .requests = 1, .lanes = lanes, .bytes = lanes * static_cast<std::int64_t>(request.bytes)};
  if (counted.access == Access::atomic) count_atomics(request, counted.space, counts);
  if (counted.space == Space::shared) {
    count_wavefronts(request, counts);
  } else if (count_sectors(request, counted.access, counts) || counted.access == Access::atomic) {
    if (counted.access == Access::read) ++launch_.load_misses;
    loads_[warp] = true;
  }
  if (counts.sectors > counts.ideal_sectors) note_stride(counted, request);
  counted.counts += counts;
  guards_[instruction].note(shape_, warp, request.lanes);
  const std::int64_t excess = excess_of(counts);
  if (counted.worst.lanes != 0 && excess <= counted.worst_excess) return;
  counted.worst = request;
  counted.worst_excess = excess;
  counted.worst.block = blockIdx;
  counted.worst.warp = warp;
}

void RequestCounter::count_atomics(const Request& request, Space space, AccessCounts& counts) {
  const std::vector<std::uintptr_t> addresses = distinct_addresses(request);
  counts.contended = counts.lanes - static_cast<std::int64_t>(addresses.size());
  if (space == Space::shared) return;
  for (const std::uintptr_t address : addresses) {
    ++atomics_[address];
    if (sample_.is_on()) sample_.note_atomic(address);
  }
}

bool RequestCounter::count_sectors(const Request& request, Access access, AccessCounts& counts) {
  bool is_new = false;
  const std::vector<std::uintptr_t> addresses = distinct_addresses(request);
  std::uintptr_t next = 0;       // no sector below is new
  std::uintptr_t next_line = 0;  // nor line
  for (const std::uintptr_t address : addresses) {
    const std::uintptr_t last = (address + request.bytes - 1) / kSector;
    for (std::uintptr_t sector = std::max(address / kSector, next); sector <= last; ++sector) {
      ++counts.sectors;
      if (move_sector(sector, access)) is_new = true;
      if (sector / kSectorsOfLine < next_line) continue;
      ++counts.lines;
      next_line = sector / kSectorsOfLine + 1;
    }
    next = std::max(next, last + 1);
  }
  counts.ideal_sectors +=
      static_cast<std::int64_t>((addresses.size() * request.bytes + kSector - 1) / kSector);
  return is_new;
}

/// Reads of what the block has read before stay in L1; everything else goes to L2. Whether it is a read that does.
bool RequestCounter::move_sector(std::uintptr_t sector, Access access) {
  const bool reads = access != Access::write, writes = access != Access::read;
  const bool is_new_read = reads && read_.insert(sector, block_);
  const bool is_new_write = writes && written_.insert(sector, block_);
  if (is_new_read && !writes) ++launch_.block_sectors_read;
  if (sample_.is_on()) {
    if (is_new_read) sample_.note_read(sector);
    if (is_new_write) sample_.note_write(sector);
    if (reads && (is_new_read || writes)) sample_.note_l2_read();
  } else if (cache_.is_on()) {
    if (reads && (is_new_read || writes)) cache_.read(sector);
    if (writes) cache_.write(sector);
  }
  return is_new_read;
}

}  // namespace tern::emulator
