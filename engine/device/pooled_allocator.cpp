#include "engine/device/pooled_allocator.h"

#include <algorithm>
#include <vector>

#include "engine/core/check.h"

namespace tern {

class PooledAllocator::Pool : public CachingAllocator {
 public:
  Pool(MemorySource& source, bool of_graph) : source_(source), of_graph_(of_graph) {}

  bool retired() const { return retired_; }
  void retire() noexcept {
    retired_ = true;
    for (void* block : kept_) source_.free(block);
    kept_.clear();
    release();
  }

 protected:
  void* allocate_from_system(std::size_t bytes) override { return source_.allocate(bytes); }
  // Out of memory during a capture: the blocks that its earlier kernels will use may not go.
  void free_to_system(void* block) noexcept override {
    if (of_graph_ && !retired_) {
      kept_.push_back(block);
    } else {
      source_.free(block);
    }
  }

 private:
  MemorySource& source_;
  bool of_graph_, retired_ = false;
  std::vector<void*> kept_;
};

PooledAllocator::PooledAllocator(MemorySource& source) : source_(source) {
  pools_.emplace_back(source, /*of_graph=*/false);
}

PooledAllocator::~PooledAllocator() {
  for (Pool& pool : pools_) pool.retire();
}

void* PooledAllocator::allocate(std::size_t bytes) {
  const std::scoped_lock lock(mutex_);
  Pool& pool = pool_of_this_thread();
  void* block = pool.allocate(bytes);
  if (&pool != &pools_.front()) pool_of_[block] = &pool;
  const AllocatorStatistics now = totals();
  peak_bytes_in_use_ = std::max(peak_bytes_in_use_, now.bytes_in_use);
  peak_bytes_held_ = std::max(peak_bytes_held_, now.bytes_in_use + now.bytes_cached);
  return block;
}

void PooledAllocator::free(void* block, std::size_t bytes) noexcept {
  const std::scoped_lock lock(mutex_);
  const auto found = pool_of_.find(block);
  if (found == pool_of_.end()) return pools_.front().free(block, bytes);
  Pool* const pool = found->second;
  pool_of_.erase(found);
  pool->free(block, bytes);
  if (pool->retired()) drop_if_empty(pool);
}

void PooledAllocator::release_cached() {
  const std::scoped_lock lock(mutex_);
  pools_.front().release();
}

AllocatorStatistics PooledAllocator::statistics() {
  const std::scoped_lock lock(mutex_);
  AllocatorStatistics all = totals();
  all.peak_bytes_in_use = peak_bytes_in_use_;
  all.peak_bytes_held = peak_bytes_held_;
  return all;
}

PooledAllocator::Pool* PooledAllocator::begin_pool() {
  const std::scoped_lock lock(mutex_);
  if (capturing_ != nullptr) throw Error("capture", "one at a time", "a second before the first has ended");
  capturing_ = &pools_.emplace_back(source_, /*of_graph=*/true);
  capturing_thread_ = std::this_thread::get_id();
  return capturing_;
}

void PooledAllocator::end_pool() {
  const std::scoped_lock lock(mutex_);
  capturing_ = nullptr;
}

void PooledAllocator::retire_pool(Pool* pool) noexcept {
  const std::scoped_lock lock(mutex_);
  pool->retire();
  drop_if_empty(pool);
}

PooledAllocator::Pool& PooledAllocator::pool_of_this_thread() {
  const bool captures = capturing_ != nullptr && capturing_thread_ == std::this_thread::get_id();
  return captures ? *capturing_ : pools_.front();
}

// A retired pool lives until its last tensor is gone.
void PooledAllocator::drop_if_empty(Pool* pool) noexcept {
  pool->release();
  const AllocatorStatistics left = pool->statistics();
  if (left.bytes_in_use > 0) return;
  system_allocations_of_dropped_ += left.system_allocations;
  pools_.remove_if([pool](const Pool& other) { return &other == pool; });
}

AllocatorStatistics PooledAllocator::totals() {
  AllocatorStatistics all;
  all.system_allocations = system_allocations_of_dropped_;
  for (Pool& pool : pools_) {
    const AllocatorStatistics of_pool = pool.statistics();
    all.bytes_in_use += of_pool.bytes_in_use;
    all.bytes_cached += of_pool.bytes_cached;
    all.system_allocations += of_pool.system_allocations;
  }
  return all;
}

}  // namespace tern
