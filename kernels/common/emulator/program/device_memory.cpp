#include "kernels/common/emulator/program/device_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "engine/core/check.h"
#include "kernels/common/emulator/global_memory.h"

namespace tern::emulator::program {
namespace {

constexpr std::size_t kMostAddresses = std::size_t{16} << 40, kLeastAddresses = std::size_t{1} << 30;
constexpr std::size_t kPage = 4096;
// Between allocations, so that an index outside of one is nearest to that one: any index of 32 bits, below 0 or unsigned, of doubles,
// while addresses last.
constexpr std::size_t kWideGap = std::size_t{64} << 30, kGap = 64 << 10;
constexpr std::size_t kHeapUnit = 16, kHeapGap = 48;  ///< of which there may be one for each of many threads

std::byte* reserve(std::size_t& bytes, int protection) {
  for (bytes = kMostAddresses; bytes >= kLeastAddresses; bytes /= 2) {
    void* const memory = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory != MAP_FAILED) return static_cast<std::byte*>(memory);
  }
  throw Error("device memory", "1 GiB of addresses", "less");
}

}  // namespace

DeviceMemory& DeviceMemory::instance() {
  static DeviceMemory* const memory = new DeviceMemory;  // for static objects' sake never destroyed
  return *memory;
}

DeviceMemory::DeviceMemory() {
  device_.begin = reserve(device_.size, PROT_NONE);
  shared_.begin = reserve(shared_.size, PROT_READ | PROT_WRITE);
  room_ = std::min(device_.size, shared_.size);  // few where the system counts addresses as memory
  for (Region* const region : {&device_, &shared_}) {
    region->next = room_ / 256;  // for an index below 0
    note_device_addresses(region->begin, region->size);
  }
  device_begin = reinterpret_cast<std::uintptr_t>(device_.begin);
  device_bytes = device_.size;
  constexpr std::size_t kMost = std::size_t{80} << 30;
  total_ = std::min(kMost, static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) * kPage);
}

void* DeviceMemory::allocate(std::size_t bytes, MemoryKind kind, std::string name) {
  const bool is_heap = kind == MemoryKind::heap;
  Region& region = kind == MemoryKind::device || is_heap ? device_ : shared_;
  if (bytes > total_ - used_) return nullptr;
  const std::size_t unit = is_heap ? kHeapUnit : kPage;
  const std::size_t units = (bytes + unit - 1) / unit * unit;
  const std::size_t wide = region.next < room_ / 2 ? std::min(kWideGap, room_ / 256) : kGap;
  const std::size_t taken = units + (is_heap ? kHeapGap : wide);
  if (!is_heap) region.next = (region.next + kPage - 1) / kPage * kPage;
  if (taken > region.size - region.next) return nullptr;
  std::byte* const memory = region.begin + region.next;
  region.next += taken;
  used_ += bytes;
  live_[memory] = {bytes, kind, name};
  if (opened_ > 0) protect(PROT_READ | PROT_WRITE);
  add_allocation(memory, bytes, std::move(name));
  return memory;
}

bool DeviceMemory::release(void* memory) {
  const auto found = live_.find(static_cast<std::byte*>(memory));
  if (found == live_.end()) return false;
  remove_allocation(memory);
  used_ -= found->second.bytes;
  if (found->second.bytes > 0 && found->second.kind != MemoryKind::heap)
    madvise(memory, found->second.bytes, MADV_DONTNEED);
  freed_.insert(live_.extract(found));
  return true;
}

const std::pair<const std::byte* const, Allocation>* DeviceMemory::find(const void* address) const {
  const auto* const byte = static_cast<const std::byte*>(address);
  const auto after = live_.upper_bound(byte);
  if (after == live_.begin()) return nullptr;
  const auto& found = *std::prev(after);
  return byte <= found.first + found.second.bytes ? &found : nullptr;
}

std::string DeviceMemory::find_freed(const void* address) const {
  const auto* const byte = static_cast<const std::byte*>(address);
  const auto after = freed_.upper_bound(byte);
  if (after == freed_.begin()) return {};
  const auto& [begin, allocation] = *std::prev(after);
  return byte < begin + std::max<std::size_t>(allocation.bytes, 1) ? allocation.name : std::string();
}

bool DeviceMemory::is_closed_to_host(const void* address) const {
  const auto* const byte = static_cast<const std::byte*>(address);
  return byte >= device_.begin && byte < device_.begin + device_.size;
}

void DeviceMemory::open() {
  if (opened_++ == 0) protect(PROT_READ | PROT_WRITE);
}

void DeviceMemory::close() {
  if (--opened_ == 0) protect(PROT_NONE);
}

void DeviceMemory::protect(int protection) {
  if (device_.next > 0 && mprotect(device_.begin, device_.next, protection) != 0)
    throw Error("device memory", "pages to be protected", "a failure");
}

}  // namespace tern::emulator::program
