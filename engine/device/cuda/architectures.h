// Which GPUs this build has kernels for.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

namespace tern {

std::string built_architectures();  ///< as compute capabilities, "8.0, 9.0"
cudaError_t try_kernel_of_build();  ///< cudaErrorNoKernelImageForDevice: none for the current device
inline std::string architecture_text(int capability) {  ///< 90 -> "9.0"
  return std::to_string(capability / 10) + "." + std::to_string(capability % 10);
}

}  // namespace tern
