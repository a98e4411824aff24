// Memory of the device that kernels run on: the GPU's, or plain memory for the emulator. A test is written
// once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "kernels/common/stream.h"

namespace tern::test {

/// Exactly as many, aligned to 256. Every bit is 1 (NaN as a float): what a kernel did not write shows. On a GPU with
/// TERN_LEAVE_UNWRITTEN=1 in the environment nothing is written: for compute-sanitizer's initcheck, to which memory that was
/// filled is memory that may be read.
void* allocate(std::size_t bytes);
void release(void* memory);
void copy(void* to, const void* from,
          std::size_t bytes);  ///< between any two memories; waits for the kernels
/// False where there is no GPU, after a skip(): the test returns.
bool device_is_there();
bool is_emulated();
/// In which order blocks and threads of later launches take turns, where that can be chosen: on the emulator, where 0 is in
/// order.
void draw_order(std::uint64_t seed);
/// Launches so far. Nobody counts them on a GPU: there it stays 0, so check differences only if
/// is_emulated().
std::int64_t launch_count();

/// Elements on the device. `misalignment` elements are left out in front, so that 16-byte loads do not fit.
template <typename T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count, std::size_t misalignment = 0)
      : count_(count), misalignment_(misalignment), memory_(allocate((count + misalignment) * sizeof(T))) {}
  explicit DeviceArray(const std::vector<T>& values, std::size_t misalignment = 0)
      : DeviceArray(values.size(), misalignment) {
    copy(data(), values.data(), values.size() * sizeof(T));
  }
  ~DeviceArray() { release(memory_); }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;

  T* data() { return static_cast<T*>(memory_) + misalignment_; }
  const T* data() const { return static_cast<const T*>(memory_) + misalignment_; }
  std::size_t size() const { return count_; }
  std::vector<T> values() const {
    std::vector<T> result(count_);
    copy(result.data(), data(), count_ * sizeof(T));
    return result;
  }

 private:
  std::size_t count_, misalignment_;
  void* memory_;
};

}  // namespace tern::test
