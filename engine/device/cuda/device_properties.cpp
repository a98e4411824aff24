#include "engine/device/cuda/device_properties.h"

#include "engine/device/cuda/architectures.h"
#include "engine/device/cuda/check.h"
#include "engine/device/device.h"
#include "engine/device/device_memory.h"

namespace tern {

std::string CudaDeviceProperties::text() const {
  return name + " (compute capability " + architecture_text(capability) + ", " +
         std::to_string(memory_bytes >> 30) + " GiB), CUDA " + cuda_version_text(runtime_version) +
         ", driver for CUDA " + cuda_version_text(driver_version);
}

void fail_without_device(int index, cudaError_t status, int device_count, int driver_version,
                         int runtime_version) {
  const std::string device = Device::cuda(index).text();
  const std::string else_cpu = "; use --device cpu, or ";
  if (status == cudaErrorStubLibrary) {
    throw Error(device, "the NVIDIA driver's libcuda.so.1",
                "the toolkit's stub for linking; take its folder out of LD_LIBRARY_PATH");
  }
  if (driver_version == 0) {
    throw NoDevice(device, "an NVIDIA driver (libcuda.so.1)",
                   "none on this machine" + else_cpu + "install one");
  }
  if (status == cudaErrorInsufficientDriver) {
    throw Error(device, "a driver for CUDA " + cuda_version_text(runtime_version) + " or later",
                "one for CUDA " + cuda_version_text(driver_version) +
                    "; update it, or build tern with that version of CUDA");
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && device_count == 0)) {
    throw NoDevice(device, "a GPU",
                   "none that the driver sees (nvidia-smi, CUDA_VISIBLE_DEVICES)" + else_cpu + "attach one");
  }
  if (status == cudaSuccess) {
    throw NoDevice(device, "a GPU below number " + std::to_string(device_count), std::to_string(index));
  }
  throw Error(device, "a GPU in working order",
              std::string(cudaGetErrorString(status)) + " (" + cudaGetErrorName(status) + ")");
}

CudaDeviceProperties open_cuda_device(int index) {
  int count = 0, driver = 0, runtime = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || index < 0 || index >= count) {
    cudaDriverGetVersion(&driver);  // both leave 0 where they fail
    cudaRuntimeGetVersion(&runtime);
    cudaGetLastError();
    fail_without_device(index, status, count, driver, runtime);
  }
  check_cuda(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  check_cuda(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  check_cuda(cudaSetDevice(index), "cudaSetDevice");
  cudaDeviceProp properties;
  check_cuda(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties");
  const int capability = properties.major * 10 + properties.minor;
  const cudaError_t usable = try_kernel_of_build();
  if (usable == cudaErrorNoKernelImageForDevice || usable == cudaErrorUnsupportedPtxVersion) {
    throw Error(Device::cuda(index).text(),
                "kernels for " + std::string(properties.name) + ", compute capability " +
                    architecture_text(capability),
                "a build for " + built_architectures() +
                    "; build again with -DCMAKE_CUDA_ARCHITECTURES=" + std::to_string(capability));
  }
  check_cuda(usable, "cudaFuncGetAttributes");
  return {index,
          properties.name,
          capability,
          properties.multiProcessorCount,
          properties.totalGlobalMem,
          static_cast<std::size_t>(properties.l2CacheSize),
          driver,
          runtime};
}

}  // namespace tern
