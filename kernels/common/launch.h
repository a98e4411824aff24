// Launching a kernel, with an error that names it if that fails.
//
//   launch(softmax_kernel<float>, blocks, dim3(32, 8), shared_bytes, stream, x, y, rows, cols);
//
// Most grids have one dimension, of at most 2^31 - 1 blocks; an empty grid launches nothing.
#pragma once

#include <string>

#include "engine/core/check.h"
#include "kernels/common/compiler.h"
#include "kernels/common/stream.h"

#if defined(TERN_NVCC)
#include <cuda_runtime.h>
#else
#include "kernels/common/emulator/emulator.h"
#endif

namespace tern::kernels {

#if defined(TERN_NVCC)

/// Throws Error{"kernel <name>", ...} with CUDA's reason and the launch's extents.
inline void check_launch(const void* kernel, dim3 grid, dim3 block, std::size_t shared_bytes,
                         cudaError_t status) {
  if (status == cudaSuccess) return;
  const char* name = nullptr;
  if (cudaFuncGetName(&name, kernel) != cudaSuccess || name == nullptr) name = "of unknown name";
  throw Error(std::string("kernel ") + name,
              "launch of " + std::to_string(grid.x) + "x" + std::to_string(grid.y) + "x" +
                  std::to_string(grid.z) + " blocks of " + std::to_string(block.x * block.y * block.z) +
                  " threads with " + std::to_string(shared_bytes) +
                  " bytes of shared memory failed: " + cudaGetErrorString(status));
}

/// Bytes of shared memory that a block of the current device may have, static and dynamic together.
inline std::size_t max_shared_bytes() {
  int device = 0, bytes = 0;
  cudaError_t status = cudaGetDevice(&device);
  if (status == cudaSuccess) {
    status = cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  }
  if (status != cudaSuccess) {
    throw Error("the device's shared memory", cudaGetErrorString(status));
  }
  return static_cast<std::size_t>(bytes);
}

/// Opts in to more than 48 KiB of shared memory, static and dynamic together, where `shared_bytes` may need
/// it.
template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes, Stream stream,
            Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
  constexpr std::size_t kSharedWithoutOptIn = 32 << 10;  // 48 KiB, less room for static arrays
  const void* const address = reinterpret_cast<const void*>(kernel);
  if (shared_bytes > kSharedWithoutOptIn) {
    check_launch(address, grid, block, shared_bytes,
                 cudaFuncSetAttribute(address, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      static_cast<int>(shared_bytes)));
  }
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  check_launch(address, grid, block, shared_bytes,
               cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
}

#else

inline std::size_t max_shared_bytes() {
  return emulator::kMaxSharedBytes;
}

template <typename... Parameters, typename... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes, Stream,
            Arguments&&... arguments) {
  emulator::run({reinterpret_cast<const void*>(kernel), nullptr}, grid, block, shared_bytes,
                [kernel, ... owned = static_cast<Parameters>(arguments)]() TERN_UNTOLD { kernel(owned...); });
}

#endif

}  // namespace tern::kernels
