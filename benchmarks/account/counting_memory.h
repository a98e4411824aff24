// Memory that is mostly addresses: the device memory of a GPU that need not be there. A page of it exists once it is touched,
// and what kernels write is forgotten after each launch; what the host has copied stays, since kernels follow the pointers of
// tables. So tensors of any GPU's size fit in any machine.
#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "engine/device/device_memory.h"
#include "engine/device/pooled_allocator.h"

namespace tern::account {

/// Addresses of pages that are zero until they are written. None is handed out twice.
class AddressSpace final : public MemorySource {
 public:
  AddressSpace();  ///< throws Error where the system has none left

  void* allocate(std::size_t bytes) override;
  void free(void*) noexcept override {}

  /// The pages of these bytes keep what is in them.
  void keep(const void* begin, std::size_t bytes);
  /// All other pages are zero again.
  void forget_others();
  void zero(void* begin, std::size_t bytes);  ///< what is kept there
  std::size_t free_bytes() const;

 private:
  std::byte* base_ = nullptr;
  std::size_t used_ = 0;                     ///< bytes from the base that were ever handed out
  std::map<std::size_t, std::size_t> kept_;  ///< from the base: begin, end; none overlap
};

class CountingMemory final : public DeviceMemory {
 public:
  /// Made on first use, never destroyed.
  static CountingMemory& instance();

  void* allocate(std::size_t bytes) override { return allocator_.allocate(bytes); }
  void free(void* block, std::size_t bytes) noexcept override { allocator_.free(block, bytes); }
  void copy_from_host(void* to, const void* host, std::size_t bytes) override;
  void copy_to_host(void* host, const void* from, std::size_t bytes) override;
  void copy_within(void* to, const void* from, std::size_t bytes) override;
  void zero(void* to, std::size_t bytes) override;
  std::unique_ptr<Prefetch> make_prefetch() override;
  std::unique_ptr<Readback> make_readback() override;
  AllocatorStatistics statistics() override { return allocator_.statistics(); }
  std::size_t free_bytes() override { return addresses_.free_bytes(); }
  void release_cached() override { allocator_.release_cached(); }

  PooledAllocator& allocator() { return allocator_; }
  /// What kernels have written since the last call.
  void forget_writes() { addresses_.forget_others(); }

 private:
  AddressSpace addresses_;
  PooledAllocator allocator_{addresses_};
};

}  // namespace tern::account
