// The cache that every device's allocator is made of: a freed block waits in a list of its size for the next
// request of that size. Sizes are rounded up to an eighth of their power of two, 64 bytes at least.
#pragma once

#include <map>
#include <mutex>
#include <vector>

#include "engine/device/allocator.h"

namespace tern {

/// For use by several threads. A device derives from it and says where blocks come from.
class CachingAllocator {
 public:
  virtual ~CachingAllocator() = default;

  /// At least `bytes` > 0. Where the system has none left, the cached blocks are given back and it is asked
  /// again; throws OutOfMemory where that does not help.
  void* allocate(std::size_t bytes);
  void free(void* block, std::size_t bytes) noexcept;  ///< `bytes` as they were asked for
  void release();                                      ///< gives every cached block back to the system
  AllocatorStatistics statistics();

 protected:
  virtual void* allocate_from_system(std::size_t bytes) = 0;  ///< null where there is none
  virtual void free_to_system(void* block) noexcept = 0;

 private:
  void* take_cached(std::size_t size);
  void release_locked();

  std::mutex mutex_;
  std::map<std::size_t, std::vector<void*>> free_;
  AllocatorStatistics statistics_;
};

}  // namespace tern
