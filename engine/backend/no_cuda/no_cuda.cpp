// Stands where engine/backend/cuda would be in a build without CUDA.
#include "engine/backend/backend.h"
#include "engine/device/device_memory.h"

namespace tern {
namespace {

[[noreturn]] void fail(int index) {
  throw NoDevice("device", "cpu (this build has no CUDA)", Device::cuda(index).text());
}

}  // namespace

Backend& cuda_backend(int index) {
  fail(index);
}

DeviceMemory& cuda_memory(int index) {
  fail(index);
}

}  // namespace tern
