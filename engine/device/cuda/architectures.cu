// Compiled by nvcc for the same architectures as kernels/, so that it is told them and has a kernel to try.
#include "engine/device/cuda/architectures.h"

namespace tern {
namespace {

__global__ void probe_kernel() {}

}  // namespace

std::string built_architectures() {
  std::string text;
  for (const int architecture : {__CUDA_ARCH_LIST__}) {
    text += (text.empty() ? "" : ", ") + architecture_text(architecture / 10);
  }
  return text;
}

cudaError_t try_kernel_of_build() {
  cudaFuncAttributes attributes;
  const cudaError_t status = cudaFuncGetAttributes(&attributes, probe_kernel);
  cudaGetLastError();  // a refusal is an answer here and must not be found by a later check
  return status;
}

}  // namespace tern
