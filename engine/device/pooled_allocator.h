// The GPU's caching allocator: one cache for everybody, and a private pool for each captured graph.
//
// A captured graph writes to the same addresses at each replay, long after the tensors that had them while it
// was captured are gone. So what is allocated during a capture comes from a pool of the graph's own and goes
// back to it: no tensor made later can get a block that a replay overwrites. A pool gives its blocks back to
// the system when its graph is gone.
//
// Knows nothing of CUDA: where blocks come from is a MemorySource.
#pragma once

#include <cstddef>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "engine/device/allocator.h"
#include "engine/device/caching_allocator.h"

namespace tern {

class MemorySource {
 public:
  virtual ~MemorySource() = default;
  virtual void* allocate(std::size_t bytes) = 0;  ///< null where there is none left
  virtual void free(void* block) noexcept = 0;
};

/// For use by several threads.
class PooledAllocator {
 public:
  class Pool;

  explicit PooledAllocator(MemorySource& source);  ///< which must live as long
  ~PooledAllocator();

  void* allocate(std::size_t bytes);                   ///< throws OutOfMemory
  void free(void* block, std::size_t bytes) noexcept;  ///< `bytes` as they were asked for
  /// Gives cached blocks back to the system, but for those of pools: their graphs still use them.
  void release_cached();
  AllocatorStatistics statistics();  ///< of the cache and all pools together

  /// From now on this thread's blocks come from a new pool; other threads' come from the cache as before.
  /// Throws Error if a thread has begun one and not ended it.
  Pool* begin_pool();
  void end_pool();
  /// The pool's graph is gone: its free blocks go back to the system, and others when they are freed.
  void retire_pool(Pool* pool) noexcept;

 private:
  Pool& pool_of_this_thread();
  void drop_if_empty(Pool* pool) noexcept;
  AllocatorStatistics totals();

  MemorySource& source_;
  std::mutex mutex_;
  std::list<Pool> pools_;                     ///< the first is everybody's cache
  std::unordered_map<void*, Pool*> pool_of_;  ///< of blocks that private pools have given out
  Pool* capturing_ = nullptr;
  std::thread::id capturing_thread_;
  std::size_t peak_bytes_in_use_ = 0, peak_bytes_held_ = 0, system_allocations_of_dropped_ = 0;
};

}  // namespace tern
