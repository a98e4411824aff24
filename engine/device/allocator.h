// A caching allocator: a freed block waits in a list of its size for the next request of that size, so a
// steady training step asks the system for nothing. Sizes are rounded up to an eighth of their power of two.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "engine/core/check.h"
#include "engine/device/device.h"

namespace tern {

/// What an allocator has done so far. A steady step leaves system_allocations unchanged.
struct AllocatorStatistics {
  std::size_t bytes_in_use = 0;
  std::size_t bytes_cached = 0;  ///< held, not in use
  std::size_t peak_bytes_in_use = 0;
  std::size_t peak_bytes_held = 0;  ///< in use and cached together
  std::size_t system_allocations = 0;
};

/// The system has no memory left. A type of its own, since only the caller knows what would need less.
class OutOfMemory : public Error {
 public:
  /// figures: how much there is and who has it, where the device says so.
  explicit OutOfMemory(std::size_t bytes, const std::string& advice = "close other programs",
                       const std::string& figures = "")
      : Error("out of memory", "a block of " + std::to_string(bytes >> 20) + " MiB",
              "none; " + (figures.empty() ? "" : figures + "; ") + advice),
        bytes_(bytes),
        figures_(figures) {}

  std::size_t bytes() const { return bytes_; }
  const std::string& figures() const { return figures_; }

 private:
  std::size_t bytes_;
  std::string figures_;
};

/// Memory of at least the asked size, aligned to 64 bytes, given back to the cache by its destructor.
/// Its contents are whatever was there before.
class Buffer {
 public:
  Buffer(std::size_t bytes, Device device);  ///< throws OutOfMemory
  ~Buffer();
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }
  Device device() const { return device_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_;
  Device device_;
};

AllocatorStatistics allocator_statistics(Device device);
void release_cached_memory(Device device);  ///< gives every cached block back to the system

}  // namespace tern
