#include "engine/device/cuda/cuda_memory.h"

#include <map>
#include <memory>
#include <mutex>

#include "engine/device/cuda/check.h"

namespace tern {
namespace {

// cudaMalloc is no part of a stream's work, but CUDA refuses it while this thread captures unless told that
// the program knows. PooledAllocator sees to what must hold: blocks of a capture stay its own.
class AllowUnordered {
 public:
  AllowUnordered() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  ~AllowUnordered() { cudaThreadExchangeStreamCaptureMode(&mode_); }
  AllowUnordered(const AllowUnordered&) = delete;
  AllowUnordered& operator=(const AllowUnordered&) = delete;

 private:
  cudaStreamCaptureMode mode_ = cudaStreamCaptureModeRelaxed;  // the second exchange puts back what was
};

}  // namespace

std::string memory_figures(std::size_t free_bytes, std::size_t total_bytes, std::size_t held_by_tern) {
  const auto mib = [](std::size_t bytes) { return std::to_string(bytes >> 20); };
  return mib(free_bytes) + " of the GPU's " + mib(total_bytes) + " MiB are free, tern holds " +
         mib(held_by_tern);
}

void* CudaMemory::Source::allocate(std::size_t bytes) {
  const AllowUnordered allow;
  void* block = nullptr;
  const cudaError_t status = cudaMalloc(&block, bytes);
  if (status == cudaErrorMemoryAllocation) {
    cudaGetLastError();  // an answer, which a later check must not take for its own
    return nullptr;
  }
  check_cuda(status, "cudaMalloc");
  return block;
}

// cudaFree waits until the device has done all its work, so nobody still uses the block.
void CudaMemory::Source::free(void* block) noexcept {
  const AllowUnordered allow;
  cudaSetDevice(device.properties().index);
  cudaFree(block);
}

CudaMemory::CudaMemory(CudaDevice& device)
    : device_(device), source_(device), allocator_(source_), host_copies_(device.stream()) {}

void* CudaMemory::allocate(std::size_t bytes) {
  device_.make_current();
  try {
    return allocator_.allocate(bytes);
  } catch (const OutOfMemory& error) {
    std::size_t free_bytes = 0, total_bytes = 0;
    cudaMemGetInfo(&free_bytes, &total_bytes);  // leaves 0 where it fails
    const AllocatorStatistics held = allocator_.statistics();
    throw OutOfMemory(error.bytes(), "end other programs on this GPU",
                      memory_figures(free_bytes, total_bytes, held.bytes_in_use + held.bytes_cached));
  }
}

void CudaMemory::free(void* block, std::size_t bytes) noexcept {
  allocator_.free(block, bytes);
}

void CudaMemory::copy_from_host(void* to, const void* host, std::size_t bytes) {
  device_.make_current();
  if (device_.is_capturing()) {
    // A replay would copy whatever the staging memory holds by then.
    throw Error("capture", "work that stays on the device", "a copy from host memory");
  }
  host_copies_.copy(to, host, bytes);
}

void CudaMemory::copy_to_host(void* host, const void* from, std::size_t bytes) {
  device_.make_current();
  if (device_.is_capturing()) {
    throw Error("capture", "work that stays on the device", "a copy to host memory");
  }
  check_cuda(cudaMemcpyAsync(host, from, bytes, cudaMemcpyDeviceToHost, device_.stream()), "cudaMemcpyAsync");
  check_cuda(cudaStreamSynchronize(device_.stream()), "cudaStreamSynchronize");
}

void CudaMemory::copy_within(void* to, const void* from, std::size_t bytes) {
  device_.make_current();
  check_cuda(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, device_.stream()), "cudaMemcpyAsync");
}

void CudaMemory::zero(void* to, std::size_t bytes) {
  device_.make_current();
  check_cuda(cudaMemsetAsync(to, 0, bytes, device_.stream()), "cudaMemsetAsync");
}

std::unique_ptr<Prefetch> CudaMemory::make_prefetch() {
  return std::make_unique<PrefetchedCopy>(device_.properties().index);
}

std::unique_ptr<Readback> CudaMemory::make_readback() {
  return std::make_unique<PinnedReadback>(device_.properties().index);
}

std::size_t CudaMemory::free_bytes() {
  device_.make_current();
  std::size_t free_bytes = 0, total_bytes = 0;
  check_cuda(cudaMemGetInfo(&free_bytes, &total_bytes), "cudaMemGetInfo");
  return free_bytes;
}

AllocatorStatistics CudaMemory::statistics() {
  return allocator_.statistics();
}

void CudaMemory::release_cached() {
  device_.synchronize();
  allocator_.release_cached();
}

CudaMemory& cuda_memory_of(int index) {
  static std::mutex mutex;
  static auto* const memories = new std::map<int, std::unique_ptr<CudaMemory>>;  // see DeviceMemory
  const std::scoped_lock lock(mutex);
  const auto found = memories->find(index);
  if (found != memories->end()) return *found->second;
  return *memories->emplace(index, std::make_unique<CudaMemory>(cuda_device(index))).first->second;
}

DeviceMemory& cuda_memory(int index) {
  return cuda_memory_of(index);
}

}  // namespace tern
