#include "engine/device/cuda/cuda_device.h"

#include <map>
#include <memory>
#include <mutex>

#include "engine/device/cuda/check.h"

namespace tern {

CudaDevice::CudaDevice(int index) : properties_(open_cuda_device(index)) {}

void CudaDevice::make_current() const {
  check_cuda(cudaSetDevice(properties_.index), "cudaSetDevice");
}

void CudaDevice::synchronize() const {
  make_current();
  check_cuda(cudaStreamSynchronize(stream()), "cudaStreamSynchronize");
}

bool CudaDevice::is_capturing() const {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  check_cuda(cudaStreamIsCapturing(stream(), &status), "cudaStreamIsCapturing");
  return status != cudaStreamCaptureStatusNone;
}

CudaDevice& cuda_device(int index) {
  static std::mutex mutex;
  static auto* const devices = new std::map<int, std::unique_ptr<CudaDevice>>;
  const std::scoped_lock lock(mutex);
  const auto found = devices->find(index);
  if (found != devices->end()) return *found->second;
  return *devices->emplace(index, std::make_unique<CudaDevice>(index)).first->second;
}

}  // namespace tern
