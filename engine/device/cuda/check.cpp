#include "engine/device/cuda/check.h"

namespace tern {
namespace {

// What a person can do; empty where only the reason can be told.
const char* advice_on(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation:
      return "; lower batch_size, or end other programs on this GPU (nvidia-smi lists them)";
    case cudaErrorNoKernelImageForDevice:
      return "; build tern for this GPU with -DCMAKE_CUDA_ARCHITECTURES=native";
    case cudaErrorInsufficientDriver:
      return "; update the NVIDIA driver";
    case cudaErrorDevicesUnavailable:
      return "; another process holds the GPU for itself (nvidia-smi)";
    case cudaErrorECCUncorrectable:
      return "; the GPU's memory is faulty (nvidia-smi -q -d ECC)";
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorMisalignedAddress:
    case cudaErrorIllegalInstruction:
      return " in earlier work; compute-sanitizer finds the kernel, CUDA_LAUNCH_BLOCKING=1 the call";
    case cudaErrorLaunchTimeout:
      return "; the display's watchdog ended the kernel: use a GPU without a display";
    case cudaErrorStreamCaptureUnsupported:
    case cudaErrorStreamCaptureInvalidated:
    case cudaErrorStreamCaptureImplicit:
      return "; work captured for replay may not wait for the device or copy to or from the host";
    default:
      return "";
  }
}

}  // namespace

void fail_cuda(cudaError_t status, const char* call) {
  throw Error("cuda", std::string(call) + " failed: " + cudaGetErrorString(status) + " (" +
                          cudaGetErrorName(status) + ")" + advice_on(status));
}

std::string cuda_version_text(int version) {
  return std::to_string(version / 1000) + "." + std::to_string(version % 1000 / 10);
}

}  // namespace tern
