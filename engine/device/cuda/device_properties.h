// What is known of a GPU, and whether tern can use it.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

#include "engine/core/check.h"

namespace tern {

struct CudaDeviceProperties {
  int index = 0;
  std::string name;    ///< "NVIDIA H100 80GB HBM3"
  int capability = 0;  ///< of computing: 90 for 9.0
  int multiprocessors = 0;
  std::size_t memory_bytes = 0, l2_bytes = 0;
  int driver_version = 0, runtime_version = 0;  ///< as CUDA counts: 13000

  std::string text() const;  ///< one line for people
};

/// Makes the device current for this thread. Throws Error{"cuda:<index>", ...} that says what is missing: a
/// driver, a new enough one, a GPU, or kernels for this kind of GPU.
CudaDeviceProperties open_cuda_device(int index);

/// Throws why there is no device `index`, for people: NoDevice without a driver or a GPU, else Error. status
/// is cudaGetDeviceCount's; versions as CUDA counts, 0 for no driver.
[[noreturn]] void fail_without_device(int index, cudaError_t status, int device_count, int driver_version,
                                      int runtime_version);

}  // namespace tern
