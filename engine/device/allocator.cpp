#include "engine/device/allocator.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "engine/core/check.h"

namespace tern {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Up to an eighth of the power of two below it: at most 12.5 % waste, and few distinct sizes.
std::size_t rounded_size(std::size_t bytes) {
  bytes = std::max(bytes, kAlignment);
  const std::size_t step = std::max(std::bit_floor(bytes) / 8, kAlignment);
  return (bytes + step - 1) / step * step;
}

class CpuAllocator {
 public:
  void* allocate(std::size_t size) {
    const std::scoped_lock lock(mutex_);
    void* block = take_cached(size);
    if (block == nullptr) block = allocate_from_system(size);
    statistics_.bytes_in_use += size;
    statistics_.peak_bytes_in_use = std::max(statistics_.peak_bytes_in_use, statistics_.bytes_in_use);
    statistics_.peak_bytes_held =
        std::max(statistics_.peak_bytes_held, statistics_.bytes_in_use + statistics_.bytes_cached);
    return block;
  }

  void free(void* block, std::size_t size) noexcept {
    const std::scoped_lock lock(mutex_);
    free_[size].push_back(block);
    statistics_.bytes_in_use -= size;
    statistics_.bytes_cached += size;
  }

  void release() {
    const std::scoped_lock lock(mutex_);
    for (auto& [size, blocks] : free_) {
      for (void* block : blocks) std::free(block);
    }
    free_.clear();
    statistics_.bytes_cached = 0;
  }

  AllocatorStatistics statistics() {
    const std::scoped_lock lock(mutex_);
    return statistics_;
  }

 private:
  void* take_cached(std::size_t size) {
    const auto found = free_.find(size);
    if (found == free_.end() || found->second.empty()) return nullptr;
    void* block = found->second.back();
    found->second.pop_back();
    statistics_.bytes_cached -= size;
    return block;
  }

  void* allocate_from_system(std::size_t size) {
    // Large blocks ask for huge pages: activations are streamed, and 4 KiB pages would cost TLB misses.
    const bool large = size >= kHugePage;
    const std::size_t alignment = large ? kHugePage : kAlignment;
    void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (block == nullptr) throw OutOfMemory(size);
    if (large) madvise(block, size, MADV_HUGEPAGE);
    ++statistics_.system_allocations;
    return block;
  }

  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
  AllocatorStatistics statistics_;
};

// Never destroyed: buffers in static objects may outlive any order of destruction chosen here.
CpuAllocator& allocator_of(Device device) {
  if (!device.is_cpu()) throw Error("allocator", "cpu (this build has no CUDA)", device.text());
  static CpuAllocator* const allocator = new CpuAllocator;
  return *allocator;
}

}  // namespace

Buffer::Buffer(std::size_t bytes, Device device) : bytes_(bytes), device_(device) {
  if (bytes > 0) data_ = allocator_of(device).allocate(rounded_size(bytes));
}

Buffer::~Buffer() {
  if (data_ != nullptr) allocator_of(device_).free(data_, rounded_size(bytes_));
}

AllocatorStatistics allocator_statistics(Device device) {
  return allocator_of(device).statistics();
}

void release_cached_memory(Device device) {
  allocator_of(device).release();
}

}  // namespace tern
