#include "engine/device/device.h"

#include <cstring>

#include "engine/core/check.h"
#include "engine/device/device_memory.h"

namespace tern {

Device parse_device(const std::string& text) {
  if (text == "cpu") return Device::cpu();
  if (text == "cuda") return Device::cuda();
  throw Error("device", "\"cpu\" or \"cuda\"", "\"" + text + "\"");
}

std::string Device::text() const {
  return is_cpu() ? "cpu" : "cuda:" + std::to_string(index);
}

void copy_bytes(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes) {
  if (bytes == 0) return;
  if (to_device.is_cpu() && from_device.is_cpu()) {
    std::memcpy(to, from, bytes);
  } else if (from_device.is_cpu()) {
    cuda_memory(to_device.index).copy_from_host(to, from, bytes);
  } else if (to_device.is_cpu()) {
    cuda_memory(from_device.index).copy_to_host(to, from, bytes);
  } else if (to_device == from_device) {
    cuda_memory(to_device.index).copy_within(to, from, bytes);
  } else {
    throw Error("copy", "two places on one device or the host",
                from_device.text() + " to " + to_device.text());
  }
}

void zero_bytes(void* to, Device device, std::size_t bytes) {
  if (bytes == 0) return;
  if (device.is_cpu()) {
    std::memset(to, 0, bytes);
  } else {
    cuda_memory(device.index).zero(to, bytes);
  }
}

}  // namespace tern
