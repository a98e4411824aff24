// The memory of a device other than the CPU. Which one a program has is chosen where it is linked:
// tern_cuda, tern_no_cuda, or in tests tern_emulated.
#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "engine/core/check.h"
#include "engine/device/allocator.h"

namespace tern {

/// This build has no code for the device, or this machine no driver or no such device: nothing is amiss. (Any
/// other Error of cuda_memory and backend_of says what is amiss with a device that is there.)
class NoDevice : public Error {
 public:
  using Error::Error;
};

/// Copies to the device that overlap with its work, one at a time: begin() starts one, finish() puts the
/// bytes where work issued later wants them.
class Prefetch {
 public:
  virtual ~Prefetch() = default;
  /// When it returns, `host` is free again. Throws Error if an earlier begin() has not been finished.
  virtual void begin(const void* host, std::size_t bytes) = 0;
  /// In the order of the device's work: `to` gets the bytes, as many as begin() was given.
  virtual void finish(void* to) = 0;
};

/// Copies to the host that overlap with the device's work, one at a time: begin() asks for them, finish()
/// waits for them and for nothing that was issued later.
class Readback {
 public:
  struct Part {
    const void* from = nullptr;
    std::size_t bytes = 0;
  };

  virtual ~Readback() = default;
  /// The bytes are those after the work issued before; `from` may change with work issued later. Throws Error
  /// if an earlier begin() has not been finished.
  virtual void begin(std::span<const Part> parts) = 0;
  /// All parts, one after the other, until the next begin(). Throws Error if none was begun, and what went
  /// wrong on the device before.
  virtual std::span<const std::byte> finish() = 0;
};

/// Blocks are the device's own: only its kernels and the copies below may touch them. Everything happens in
/// the order in which it was issued, with the kernels in between; none of the pointers is null, no size 0.
class DeviceMemory {
 public:
  virtual ~DeviceMemory() = default;

  /// A block of at least `bytes`, aligned to 64 bytes or more; its contents are anything. It may have been
  /// freed before work that uses it is done, since new work comes after that. Throws OutOfMemory.
  virtual void* allocate(std::size_t bytes) = 0;
  virtual void free(void* block, std::size_t bytes) noexcept = 0;  ///< `bytes` as they were asked for

  virtual void copy_from_host(void* to, const void* host, std::size_t bytes) = 0;  ///< `host` is free again
  virtual void copy_to_host(void* host, const void* from, std::size_t bytes) = 0;  ///< waits for the device
  virtual void copy_within(void* to, const void* from, std::size_t bytes) = 0;
  virtual void zero(void* to, std::size_t bytes) = 0;

  virtual std::unique_ptr<Prefetch> make_prefetch() = 0;
  virtual std::unique_ptr<Readback> make_readback() = 0;

  virtual AllocatorStatistics statistics() = 0;
  virtual std::size_t free_bytes() = 0;  ///< that the system has left, beside the cached blocks
  virtual void release_cached() = 0;     ///< gives cached blocks back to the system
};

/// Made on first use, never destroyed. Throws NoDevice, or Error for a device that cannot be used.
DeviceMemory& cuda_memory(int index);

}  // namespace tern
