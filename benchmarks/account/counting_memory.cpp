#include "benchmarks/account/counting_memory.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <vector>

#include "benchmarks/account/issue.h"
#include "engine/core/check.h"

namespace tern::account {
namespace {

constexpr std::size_t kReserved = std::size_t{1} << 40;
constexpr std::size_t kPage = 4096;

/// bytes_read and bytes_written of the device's memory.
void issue_copy(const char* name, std::size_t bytes_read, std::size_t bytes_written) {
  Operation copy;
  copy.family = Family::copy;
  copy.kind = OperationKind::copy;
  copy.name = name;
  copy.bytes_read = static_cast<std::int64_t>(bytes_read);
  copy.bytes_written = static_cast<std::int64_t>(bytes_written);
  issue(std::move(copy));
}

void require_no_recording(const char* what) {
  check(!is_recording(), "capture", "work that stays on the device", what);
}

/// As on a GPU: the bytes are first in memory of the copy's own, from where finish() copies them.
class CountingPrefetch final : public Prefetch {
 public:
  void begin(const void* host, std::size_t bytes) override {
    check(!begun_, "prefetched copy", "finish() before another begin()", "none");
    const auto* const from = static_cast<const std::byte*>(host);
    bytes_.assign(from, from + bytes);
    begun_ = true;
    issue_copy("host to device, ahead of time", 0, bytes);
  }
  void finish(void* to) override {
    check(begun_, "prefetched copy", "begin() before finish()", "none");
    begun_ = false;
    if (!bytes_.empty()) CountingMemory::instance().copy_within(to, bytes_.data(), bytes_.size());
  }

 private:
  std::vector<std::byte> bytes_;
  bool begun_ = false;
};

class CountingReadback final : public Readback {
 public:
  void begin(std::span<const Part> parts) override {
    check(!begun_, "readback", "finish() before another begin()", "none");
    begun_ = true;
    std::size_t bytes = 0;
    for (const Part& part : parts) {
      if (part.bytes > 0) issue_copy("device to host", part.bytes, 0);
      bytes += part.bytes;
    }
    bytes_.assign(bytes, std::byte{0});
  }
  std::span<const std::byte> finish() override {
    check(begun_, "readback", "begin() before finish()", "none");
    begun_ = false;
    return bytes_;
  }

 private:
  std::vector<std::byte> bytes_;
  bool begun_ = false;
};

}  // namespace

AddressSpace::AddressSpace() {
  void* const memory =
      mmap(nullptr, kReserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw Error("counting device", "1 TiB of addresses", "none");
  base_ = static_cast<std::byte*>(memory);
  madvise(base_, kReserved, MADV_NOHUGEPAGE);  // a sample of a launch's blocks touches little here and there
}

void* AddressSpace::allocate(std::size_t bytes) {
  const std::size_t whole = (bytes + kPage - 1) / kPage * kPage;
  if (whole > kReserved - used_) return nullptr;
  std::byte* const block = base_ + used_;
  used_ += whole;
  return block;
}

void AddressSpace::keep(const void* begin, std::size_t bytes) {
  const auto offset = static_cast<std::size_t>(static_cast<const std::byte*>(begin) - base_);
  std::size_t first = offset / kPage * kPage, end = (offset + bytes + kPage - 1) / kPage * kPage;
  auto next = kept_.upper_bound(first);
  if (next != kept_.begin() && std::prev(next)->second >= first) --next;
  while (next != kept_.end() && next->first <= end) {
    first = std::min(first, next->first);
    end = std::max(end, next->second);
    next = kept_.erase(next);
  }
  kept_.emplace(first, end);
}

void AddressSpace::forget_others() {
  std::size_t from = 0;
  const auto forget_until = [&](std::size_t end) {
    if (end > from) madvise(base_ + from, end - from, MADV_DONTNEED);
  };
  for (const auto& [begin, end] : kept_) {
    forget_until(begin);
    from = end;
  }
  forget_until(used_);
}

void AddressSpace::zero(void* begin, std::size_t bytes) {
  const auto offset = static_cast<std::size_t>(static_cast<std::byte*>(begin) - base_);
  for (const auto& [first, end] : kept_) {
    const std::size_t from = std::max(first, offset), to = std::min(end, offset + bytes);
    if (from < to) std::memset(base_ + from, 0, to - from);
  }
}

std::size_t AddressSpace::free_bytes() const {
  return kReserved - used_;
}

CountingMemory& CountingMemory::instance() {
  static auto* const memory = new CountingMemory;
  return *memory;
}

void CountingMemory::copy_from_host(void* to, const void* host, std::size_t bytes) {
  require_no_recording("a copy from host memory");
  std::memcpy(to, host, bytes);
  addresses_.keep(to, bytes);
  issue_copy("host to device", 0, bytes);
}

// Zeros, or what the host has copied: nothing is computed here.
void CountingMemory::copy_to_host(void* host, const void* from, std::size_t bytes) {
  require_no_recording("a copy to host memory");
  std::memcpy(host, from, bytes);
  issue_copy("device to host", bytes, 0);
}

void CountingMemory::copy_within(void*, const void*, std::size_t bytes) {
  issue_copy("device to device", bytes, bytes);
}

void CountingMemory::zero(void* to, std::size_t bytes) {
  addresses_.zero(to, bytes);
  issue_copy("zeros", 0, bytes);
}

std::unique_ptr<Prefetch> CountingMemory::make_prefetch() {
  return std::make_unique<CountingPrefetch>();
}

std::unique_ptr<Readback> CountingMemory::make_readback() {
  return std::make_unique<CountingReadback>();
}

}  // namespace tern::account
