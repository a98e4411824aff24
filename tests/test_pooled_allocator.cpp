// The GPU's allocator on host memory: what is kept, what a capture's pool keeps to itself, what is given
// back.
#include "engine/device/pooled_allocator.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <map>
#include <thread>

#include "engine/core/check.h"

using namespace tern;

namespace {

class HostSource : public MemorySource {
 public:
  ~HostSource() override {
    for (const auto& [block, bytes] : blocks) std::free(block);  // what a test has not freed
  }
  void* allocate(std::size_t bytes) override {
    if (held() + bytes > most) return nullptr;
    void* const block = std::malloc(bytes);
    blocks[block] = bytes;
    return block;
  }
  void free(void* block) noexcept override {
    if (blocks.erase(block) == 0) ++wrong;
    std::free(block);
  }
  std::size_t held() const {
    std::size_t sum = 0;
    for (const auto& [block, bytes] : blocks) sum += bytes;
    return sum;
  }

  std::map<void*, std::size_t> blocks;
  std::size_t most = std::size_t{1} << 20;
  int wrong = 0;
};

}  // namespace

TEST_CASE("pooled allocator: without a capture it is a cache") {
  HostSource source;
  PooledAllocator allocator(source);
  void* const first = allocator.allocate(1000);
  allocator.free(first, 1000);
  CHECK(allocator.allocate(1000) == first);
  CHECK(allocator.statistics().system_allocations == 1);
  CHECK(allocator.statistics().bytes_in_use == 1024);
  allocator.free(first, 1000);
  CHECK(allocator.statistics().bytes_cached == 1024);
  CHECK(allocator.statistics().peak_bytes_in_use == 1024);
  allocator.release_cached();
  CHECK(source.blocks.empty());
  CHECK(allocator.statistics().bytes_cached == 0);
}

TEST_CASE("pooled allocator: no block of a capture goes to anybody else, before its graph is gone") {
  HostSource source;
  PooledAllocator allocator(source);
  void* const before = allocator.allocate(500);
  void* const cached = allocator.allocate(1000);
  allocator.free(cached, 1000);

  PooledAllocator::Pool* const pool = allocator.begin_pool();
  void* const temporary = allocator.allocate(1000);
  CHECK(temporary != cached);
  allocator.free(temporary, 1000);
  void* const result = allocator.allocate(1000);
  CHECK(result == temporary);  // within a capture, work is in order
  void* const late = allocator.allocate(2000);
  allocator.free(before, 500);  // back to everybody's cache
  allocator.end_pool();

  allocator.free(late, 2000);  // a tensor of the capture that lived longer than it
  CHECK(allocator.allocate(1000) == cached);
  CHECK(allocator.allocate(500) == before);
  CHECK(allocator.allocate(2000) != late);
  allocator.release_cached();
  CHECK(source.blocks.contains(late));

  allocator.retire_pool(pool);
  CHECK_FALSE(source.blocks.contains(late));
  CHECK(source.blocks.contains(result));  // still somebody's tensor
  allocator.free(result, 1000);
  CHECK_FALSE(source.blocks.contains(result));
  CHECK(source.wrong == 0);
}

TEST_CASE("pooled allocator: another thread's blocks do not come from the capture's pool") {
  HostSource source;
  PooledAllocator allocator(source);
  PooledAllocator::Pool* const pool = allocator.begin_pool();
  void* const temporary = allocator.allocate(1000);
  allocator.free(temporary, 1000);
  void* other = nullptr;
  std::thread([&] { other = allocator.allocate(1000); }).join();
  CHECK(other != temporary);
  CHECK_THROWS_AS(allocator.begin_pool(), Error);
  allocator.end_pool();
  allocator.retire_pool(pool);
  allocator.free(other, 1000);
  CHECK(allocator.allocate(1000) == other);
}

TEST_CASE("pooled allocator: out of memory") {
  HostSource source;
  source.most = 4096;
  PooledAllocator allocator(source);
  allocator.free(allocator.allocate(3000), 3000);
  void* const large = allocator.allocate(4000);  // the cached block made way
  CHECK(source.blocks.size() == 1);
  CHECK_THROWS_AS(allocator.allocate(1000), OutOfMemory);
  allocator.free(large, 4000);

  // In a capture nothing makes way: earlier kernels of it will use every block.
  PooledAllocator::Pool* const pool = allocator.begin_pool();
  allocator.release_cached();
  void* const block = allocator.allocate(3000);
  allocator.free(block, 3000);
  CHECK_THROWS_AS(allocator.allocate(2000), OutOfMemory);
  CHECK(source.blocks.contains(block));
  allocator.end_pool();
  allocator.retire_pool(pool);
  CHECK(source.blocks.empty());
  CHECK(source.wrong == 0);
}

TEST_CASE("pooled allocator: statistics are of the cache and all pools") {
  HostSource source;
  {
    PooledAllocator allocator(source);
    void* const outside = allocator.allocate(1000);
    PooledAllocator::Pool* const pool = allocator.begin_pool();
    void* const inside = allocator.allocate(2000);
    allocator.end_pool();
    CHECK(allocator.statistics().bytes_in_use == 1024 + 2048);
    CHECK(allocator.statistics().system_allocations == 2);
    allocator.free(inside, 2000);
    CHECK(allocator.statistics().bytes_cached == 2048);
    allocator.retire_pool(pool);
    CHECK(allocator.statistics().bytes_cached == 0);
    CHECK(allocator.statistics().system_allocations == 2);
    CHECK(allocator.statistics().peak_bytes_held == 1024 + 2048);
    allocator.free(outside, 1000);
  }
  CHECK(source.blocks.empty());
}
