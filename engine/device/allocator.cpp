#include "engine/device/allocator.h"

#include <sys/mman.h>

#include <cstdlib>

#include "engine/device/caching_allocator.h"
#include "engine/device/device_memory.h"

namespace tern {
namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

class CpuAllocator final : public CachingAllocator {
 private:
  void* allocate_from_system(std::size_t size) override {
    // Large blocks ask for huge pages: activations are streamed, and 4 KiB pages would cost TLB misses.
    const bool large = size >= kHugePage;
    const std::size_t alignment = large ? kHugePage : kAlignment;
    void* block = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (block != nullptr && large) madvise(block, size, MADV_HUGEPAGE);
    return block;
  }
  void free_to_system(void* block) noexcept override { std::free(block); }
};

// Never destroyed: buffers in static objects may outlive any order of destruction chosen here.
CpuAllocator& cpu_allocator() {
  static CpuAllocator* const allocator = new CpuAllocator;
  return *allocator;
}

}  // namespace

Buffer::Buffer(std::size_t bytes, Device device) : bytes_(bytes), device_(device) {
  if (bytes == 0) return;
  data_ = device.is_cpu() ? cpu_allocator().allocate(bytes) : cuda_memory(device.index).allocate(bytes);
}

Buffer::~Buffer() {
  if (data_ == nullptr) return;
  if (device_.is_cpu()) {
    cpu_allocator().free(data_, bytes_);
  } else {
    cuda_memory(device_.index).free(data_, bytes_);
  }
}

AllocatorStatistics allocator_statistics(Device device) {
  return device.is_cpu() ? cpu_allocator().statistics() : cuda_memory(device.index).statistics();
}

void release_cached_memory(Device device) {
  device.is_cpu() ? cpu_allocator().release() : cuda_memory(device.index).release_cached();
}

}  // namespace tern
