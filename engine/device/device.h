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

/// "cpu" or "cuda"; throws Error for any other text.
Device parse_device(const std::string& text);

/// Copies bytes between the host and a device or within one, in the order of the work already issued. Throws
/// Error if this build or machine has no such device, and between two devices other than the CPU.
void copy_bytes(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes);

/// Sets bytes to zero.
void zero_bytes(void* to, Device device, std::size_t bytes);

}  // namespace tern
