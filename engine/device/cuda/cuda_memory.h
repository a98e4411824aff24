// The GPU's DeviceMemory: a caching allocator over cudaMalloc, and copies in the order of the GPU's one
// stream.
#pragma once

#include "engine/device/cuda/cuda_device.h"
#include "engine/device/cuda/host_copy.h"
#include "engine/device/device_memory.h"
#include "engine/device/pooled_allocator.h"

namespace tern {

class CudaMemory : public DeviceMemory {
 public:
  explicit CudaMemory(CudaDevice& device);

  void* allocate(std::size_t bytes) override;
  void free(void* block, std::size_t bytes) noexcept override;
  void copy_from_host(void* to, const void* host, std::size_t bytes) override;
  void copy_to_host(void* host, const void* from, std::size_t bytes) override;
  void copy_within(void* to, const void* from, std::size_t bytes) override;
  void zero(void* to, std::size_t bytes) override;
  std::unique_ptr<Prefetch> make_prefetch() override;
  std::unique_ptr<Readback> make_readback() override;
  AllocatorStatistics statistics() override;
  std::size_t free_bytes() override;
  void release_cached() override;

  PooledAllocator& allocator() { return allocator_; }

 private:
  struct Source : MemorySource {
    explicit Source(CudaDevice& owner) : device(owner) {}
    void* allocate(std::size_t bytes) override;
    void free(void* block) noexcept override;
    CudaDevice& device;
  };

  CudaDevice& device_;
  Source source_;
  PooledAllocator allocator_;
  HostCopies host_copies_;
};

/// What cuda_memory(index) returns, as its own type.
CudaMemory& cuda_memory_of(int index);

/// For OutOfMemory.
std::string memory_figures(std::size_t free_bytes, std::size_t total_bytes, std::size_t held_by_tern);

}  // namespace tern
