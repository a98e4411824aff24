// The emulated device's DeviceMemory: the GPU's allocator over the arena, and copies in the order in which
// they are issued.
#pragma once

#include <memory>

#include "engine/device/device_memory.h"
#include "engine/device/pooled_allocator.h"
#include "tests/emulated_device/arena.h"

namespace tern::test {

class EmulatedMemory final : public DeviceMemory {
 public:
  /// Made on first use, never destroyed.
  static EmulatedMemory& instance();

  void* allocate(std::size_t bytes) override { return allocator_.allocate(bytes); }
  void free(void* block, std::size_t bytes) noexcept override { allocator_.free(block, bytes); }
  void copy_from_host(void* to, const void* host, std::size_t bytes) override;
  void copy_to_host(void* host, const void* from, std::size_t bytes) override;
  void copy_within(void* to, const void* from, std::size_t bytes) override;
  void zero(void* to, std::size_t bytes) override;
  std::unique_ptr<Prefetch> make_prefetch() override;
  std::unique_ptr<Readback> make_readback() override;
  AllocatorStatistics statistics() override { return allocator_.statistics(); }
  std::size_t free_bytes() override { return std::size_t{1} << 30; }
  void release_cached() override { allocator_.release_cached(); }

  PooledAllocator& allocator() { return allocator_; }

 private:
  EmulatedMemory() = default;

  PooledAllocator allocator_{Arena::instance()};
};

}  // namespace tern::test
