#include "engine/device/device.h"

#include <cstring>

#include "engine/core/check.h"

namespace tern {
namespace {

void require_cpu(Device device) {
  if (!device.is_cpu()) throw Error("device", "cpu (this build has no CUDA)", device.text());
}

}  // namespace

std::string Device::text() const {
  return is_cpu() ? "cpu" : "cuda:" + std::to_string(index);
}

void copy_bytes(void* to, Device to_device, const void* from, Device from_device, std::size_t bytes) {
  require_cpu(to_device);
  require_cpu(from_device);
  if (bytes > 0) std::memcpy(to, from, bytes);
}

void zero_bytes(void* to, Device device, std::size_t bytes) {
  require_cpu(device);
  if (bytes > 0) std::memset(to, 0, bytes);
}

}  // namespace tern
