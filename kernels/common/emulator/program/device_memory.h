// Memory of the device of a translated program, as its host code allocates it. What cudaMalloc gives is closed to host code:
// it can be touched while kernels run or while this library opens it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "kernels/common/emulator/program/runtime_api.h"

namespace tern::emulator::program {

struct Allocation {
  std::size_t bytes = 0;
  MemoryKind kind = MemoryKind::device;
  std::string name;  ///< "cudaMalloc of 4096 bytes (add.cu:12)"
};

class DeviceMemory {
 public:
  static DeviceMemory& instance();

  /// Null if this machine has not so much. `bytes` may be 0.
  void* allocate(std::size_t bytes, MemoryKind kind, std::string name);
  /// False if no allocation begins there.
  bool release(void* memory);

  /// The allocation that holds the address, or of those that ended there the last; null if there is none.
  const std::pair<const std::byte* const, Allocation>* find(const void* address) const;
  /// What was there, if it was freed; else empty.
  std::string find_freed(const void* address) const;
  /// Whether host code is kept from the address.
  bool is_closed_to_host(const void* address) const;
  const std::map<const std::byte*, Allocation>& allocations() const { return live_; }

  std::size_t total_bytes() const { return total_; }
  std::size_t used_bytes() const { return used_; }

  void open();  ///< counted, so that they nest
  void close();

 private:
  /// Addresses that are given out once, in order; those of freed memory are not given again, so that their use is known.
  struct Region {
    std::byte* begin = nullptr;
    std::size_t size = 0, next = 0;
  };

  DeviceMemory();
  void protect(int protection);

  Region device_, shared_;
  std::map<const std::byte*, Allocation> live_, freed_;
  std::size_t total_ = 0, used_ = 0, room_ = 0;
  int opened_ = 0;
};

/// The same as is_closed_to_host, also before there is any: false then.
inline std::uintptr_t device_begin = 0, device_bytes = 0;
inline bool is_device_address(const void* address) {
  return reinterpret_cast<std::uintptr_t>(address) - device_begin < device_bytes;
}

/// Opened while it lives.
struct OpenDevice {
  OpenDevice() { DeviceMemory::instance().open(); }
  ~OpenDevice() { DeviceMemory::instance().close(); }
  OpenDevice(const OpenDevice&) = delete;
  OpenDevice& operator=(const OpenDevice&) = delete;
};

}  // namespace tern::emulator::program
