// The memory of the emulator as a device of benchmarks. Two sources have these functions, and a program links one of them:
//
//   plain_memory.cpp     for kernels of this project, which their tests check: nothing is watched
//   watched_memory.cpp   with kernels from outside: as tern-profile does it, whatever is wrong with an access is a fault
#pragma once

#include <cstddef>

namespace tern::bench {

/// Aligned to 256 bytes and more, as cudaMalloc's. Throws Error if there is not enough.
void* allocate_memory(std::size_t bytes);
void free_memory(void* memory);

/// Host code may touch the device's memory while it lives.
class HostAccess {
 public:
  HostAccess();
  ~HostAccess();
  HostAccess(const HostAccess&) = delete;
  HostAccess& operator=(const HostAccess&) = delete;
};

/// By the host.
void note_written(void* memory, std::size_t bytes);
/// What a kernel must not read before one has written it. `memory`: all of an allocation.
void note_unwritten(void* memory, std::size_t bytes);

/// Throws Error with what kernels have done wrong since the last call, if they have.
void throw_faults();

}  // namespace tern::bench
