// Where memory lives and work runs.
#pragma once

#include <cstddef>
#include <string>

namespace tern {

enum class DeviceType { cpu, cuda };

struct Device {
  DeviceType type = DeviceType::cpu;
  int index = 0;

  static Device cpu() { return {}; }
  static Device cuda(int index = 0) { return {DeviceType::cuda, index}; }
  bool is_cpu() const { return type == DeviceType::cpu; }
  std::string text() const;  ///< "cpu", "cuda:0"
  bool operator==(const Device&) const = default;
};

/// Copies bytes between any two devices, in the order of the work already issued.
void copy_bytes(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes);

/// Sets bytes to zero.
void zero_bytes(void* to, Device device, std::size_t bytes);

}  // namespace tern
