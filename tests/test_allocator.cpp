#include "engine/device/allocator.h"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "engine/core/check.h"

using namespace tern;

namespace {

AllocatorStatistics statistics() {
  return allocator_statistics(Device::cpu());
}

}  // namespace

TEST_CASE("Buffer: aligned, writable to its last byte") {
  for (const std::size_t bytes : {1u, 63u, 64u, 65u, 4097u, 3u << 20}) {
    const Buffer buffer(bytes, Device::cpu());
    CHECK(buffer.bytes() == bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(buffer.data()) % 64 == 0);
    std::memset(buffer.data(), 0xAB, bytes);
  }
}

TEST_CASE("Buffer: of no bytes needs no memory") {
  const AllocatorStatistics before = statistics();
  const Buffer buffer(0, Device::cpu());
  CHECK(buffer.data() == nullptr);
  CHECK(statistics().bytes_in_use == before.bytes_in_use);
}

TEST_CASE("allocator: a freed block serves the next request of its size") {
  release_cached_memory(Device::cpu());
  void* first = nullptr;
  {
    const Buffer buffer(100'000, Device::cpu());
    first = buffer.data();
  }
  const AllocatorStatistics before = statistics();
  CHECK(before.bytes_cached >= 100'000);
  for (int step = 0; step < 10; ++step) {
    const Buffer buffer(100'000, Device::cpu());
    CHECK(buffer.data() == first);
  }
  CHECK(statistics().system_allocations == before.system_allocations);
  const Buffer larger(200'000, Device::cpu());
  CHECK(statistics().system_allocations == before.system_allocations + 1);
}

TEST_CASE("allocator: counts what is in use, cached and the peak") {
  release_cached_memory(Device::cpu());
  const AllocatorStatistics start = statistics();
  CHECK(start.bytes_cached == 0);
  {
    const Buffer a(1 << 20, Device::cpu()), b(1 << 20, Device::cpu());
    CHECK(statistics().bytes_in_use == start.bytes_in_use + (2 << 20));
    CHECK(statistics().peak_bytes_in_use >= start.bytes_in_use + (2 << 20));
  }
  CHECK(statistics().bytes_in_use == start.bytes_in_use);
  CHECK(statistics().bytes_cached == 2 << 20);
  CHECK(statistics().peak_bytes_held >= statistics().peak_bytes_in_use);
  release_cached_memory(Device::cpu());
  CHECK(statistics().bytes_cached == 0);
}

TEST_CASE("allocator: threads may allocate and free at once") {
  const std::size_t in_use = statistics().bytes_in_use;
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([thread] {
      for (std::size_t i = 0; i < 200; ++i) {
        const Buffer buffer(1000 + 100 * (i % 7), Device::cpu());
        std::memset(buffer.data(), thread, buffer.bytes());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(statistics().bytes_in_use == in_use);
}

#ifndef __SANITIZE_ADDRESS__  // which ends the program instead
TEST_CASE("allocator: more than there is gives an Error and changes nothing") {
  const AllocatorStatistics before = statistics();
  CHECK_THROWS_WITH_AS(Buffer(std::size_t{1} << 60, Device::cpu()),
                       "out of memory: wanted a block of 1099511627776 MiB, got none; close other programs",
                       OutOfMemory);
  CHECK(statistics().bytes_in_use == before.bytes_in_use);
}
#endif
