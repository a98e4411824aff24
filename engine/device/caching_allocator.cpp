#include "engine/device/caching_allocator.h"

#include <algorithm>
#include <bit>

namespace tern {
namespace {

constexpr std::size_t kSmallest = 64;

// Up to an eighth of the power of two below it: at most 12.5 % waste, and few distinct sizes.
std::size_t rounded_size(std::size_t bytes) {
  bytes = std::max(bytes, kSmallest);
  const std::size_t step = std::max(std::bit_floor(bytes) / 8, kSmallest);
  return (bytes + step - 1) / step * step;
}

}  // namespace

void* CachingAllocator::allocate(std::size_t bytes) {
  const std::size_t size = rounded_size(bytes);
  const std::scoped_lock lock(mutex_);
  void* block = take_cached(size);
  if (block == nullptr) {
    block = allocate_from_system(size);
    if (block == nullptr) {
      release_locked();
      block = allocate_from_system(size);
    }
    if (block == nullptr) throw OutOfMemory(size);
    ++statistics_.system_allocations;
  }
  statistics_.bytes_in_use += size;
  statistics_.peak_bytes_in_use = std::max(statistics_.peak_bytes_in_use, statistics_.bytes_in_use);
  statistics_.peak_bytes_held =
      std::max(statistics_.peak_bytes_held, statistics_.bytes_in_use + statistics_.bytes_cached);
  return block;
}

void CachingAllocator::free(void* block, std::size_t bytes) noexcept {
  const std::size_t size = rounded_size(bytes);
  const std::scoped_lock lock(mutex_);
  free_[size].push_back(block);
  statistics_.bytes_in_use -= size;
  statistics_.bytes_cached += size;
}

void CachingAllocator::release() {
  const std::scoped_lock lock(mutex_);
  release_locked();
}

AllocatorStatistics CachingAllocator::statistics() {
  const std::scoped_lock lock(mutex_);
  return statistics_;
}

void* CachingAllocator::take_cached(std::size_t size) {
  const auto found = free_.find(size);
  if (found == free_.end() || found->second.empty()) return nullptr;
  void* block = found->second.back();
  found->second.pop_back();
  statistics_.bytes_cached -= size;
  return block;
}

void CachingAllocator::release_locked() {
  for (auto& [size, blocks] : free_) {
    for (void* block : blocks) free_to_system(block);
  }
  free_.clear();
  statistics_.bytes_cached = 0;
}

}  // namespace tern
