#include "engine/backend/backend.h"

#include "engine/backend/cpu/cpu_backend.h"
#include "engine/core/check.h"

namespace tern {

Backend& cuda_backend(int index);  // engine/backend/cuda, or no_cuda.cpp

Backend& backend_of(Device device) {
  static CpuBackend cpu;
  return device.is_cpu() ? cpu : cuda_backend(device.index);
}

}  // namespace tern
