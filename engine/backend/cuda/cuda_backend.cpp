#include "engine/backend/cuda/cuda_backend.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "engine/backend/cuda/cublas_library.h"
#include "engine/backend/cuda/cudnn_library.h"
#include "engine/device/cuda/check.h"

namespace tern {
namespace {

// As NVIDIA recommends for Hopper; smaller GPUs use what they need of it. Given by tern because cuBLAS's own
// would be allocated anew in each captured graph.
constexpr std::size_t kCublasWorkspace = std::size_t{32} << 20;

bool deterministic_by_environment() {
  const char* const value = std::getenv("TERN_DETERMINISTIC");
  return value != nullptr && std::strcmp(value, "1") == 0;
}

PlanLimits limits_for(const CudaDeviceProperties& device) {
  PlanLimits limits;
  // The 7x7 convolution on large images is fastest with a workspace of the size of its output.
  limits.workspace_bytes = std::min(limits.workspace_bytes, device.memory_bytes / 16);
  return limits;
}

// That a plan, which may hold compiled code, depends on.
std::string versions(const CudaDeviceProperties& device) {
  return "cuDNN " + cudnn_version_text() + " CUDA " + cuda_version_text(device.runtime_version) + " driver " +
         cuda_version_text(device.driver_version);
}

}  // namespace

CudaBackend::CudaBackend(int index)
    : Backend(Device::cuda(index)),
      cuda_(cuda_device(index)),
      deterministic_(deterministic_by_environment()),
      cublas_workspace_(kCublasWorkspace, Device::cuda(index)) {
  cuda_.make_current();
  check_cudnn(cudnn().create(&cudnn_), "cudnnCreate");
  check_cudnn(cudnn().set_stream(cudnn_, cuda_.stream()), "cudnnSetStream");
  plans_ = std::make_unique<PlanCache>(cudnn_device(index), limits_for(cuda_.properties()),
                                       plan_file_path(versions(cuda_.properties()), cuda_.properties().name));
  check_cublas(cublas().create(&cublas_), "cublasCreate");
  check_cublas(cublas().set_stream(cublas_, cuda_.stream()), "cublasSetStream");
  check_cublas(cublas().set_workspace(cublas_, cublas_workspace_.data(), cublas_workspace_.bytes()),
               "cublasSetWorkspace");
}

std::string CudaBackend::description() const {
  int version = 0;
  check_cublas(cublas().get_version(cublas_, &version), "cublasGetVersion");
  return device().text() + ", " + cuda_.properties().text() + ", cuDNN " + cudnn_version_text() +
         ", cuBLAS " + std::to_string(version / 10000) + "." + std::to_string(version % 10000 / 100) + "." +
         std::to_string(version % 100) + (deterministic_ ? ", deterministic" : "");
}

void CudaBackend::synchronize() {
  cuda_.synchronize();
}

Stream CudaBackend::stream() const {
  cuda_.make_current();  // a launch goes to the thread's current device, and this may be another thread
  return cuda_.stream();
}

Backend& cuda_backend(int index) {
  static std::mutex mutex;
  static auto* const backends = new std::map<int, std::unique_ptr<CudaBackend>>;
  const std::scoped_lock lock(mutex);
  const auto found = backends->find(index);
  if (found != backends->end()) return *found->second;
  return *backends->emplace(index, std::make_unique<CudaBackend>(index)).first->second;
}

}  // namespace tern
