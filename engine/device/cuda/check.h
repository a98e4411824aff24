// CUDA's status codes as errors for people: which call failed, why, and what can be done about it.
#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "engine/core/check.h"

namespace tern {

/// Throws Error{"cuda", "<call> failed: <reason>; <what to do>"}.
[[noreturn]] void fail_cuda(cudaError_t status, const char* call);

inline void check_cuda(cudaError_t status, const char* call) {
  if (status != cudaSuccess) fail_cuda(status, call);
}

/// 13000 -> "13.0", as CUDA counts its own and its driver's versions.
std::string cuda_version_text(int version);

}  // namespace tern
