// Makes tests/goldens/occupancy.txt with NVIDIA's own calculation, the header cuda_occupancy.h of CUDA 13.0:
//   g++ -I/usr/local/cuda/include make_occupancy_goldens.cpp -o make && ./make > occupancy.txt
// Lines: compute capability, threads of a block, registers of a thread, bytes of shared memory; blocks of a multiprocessor.
#include <cuda_occupancy.h>

#include <cstdio>
#include <initializer_list>

namespace {

struct Device {
  int major, minor, threads;
  std::size_t shared_kib;
};

int blocks(const Device& device, int threads, int registers, int shared) {
  cudaOccDeviceProp properties;
  properties.computeMajor = device.major;
  properties.computeMinor = device.minor;
  properties.maxThreadsPerBlock = 1024;
  properties.maxThreadsPerMultiprocessor = device.threads;
  properties.regsPerBlock = properties.regsPerMultiprocessor = 65536;
  properties.warpSize = 32;
  properties.sharedMemPerBlock = 48 << 10;
  properties.sharedMemPerMultiprocessor = device.shared_kib << 10;
  properties.sharedMemPerBlockOptin = (device.shared_kib - 1) << 10;
  properties.reservedSharedMemPerBlock = 1024;
  properties.numSms = 1;
  cudaOccFuncAttributes kernel;
  kernel.maxThreadsPerBlock = 1024;
  kernel.numRegs = registers;
  kernel.sharedSizeBytes = 0;
  kernel.partitionedGCConfig = PARTITIONED_GC_OFF;
  kernel.shmemLimitConfig = FUNC_SHMEM_LIMIT_OPTIN;
  kernel.maxDynamicSharedSizeBytes = static_cast<std::size_t>(shared);
  cudaOccDeviceState state;
  state.carveoutConfig = SHAREDMEM_CARVEOUT_MAX_SHARED;
  cudaOccResult result;
  const cudaOccError error =
      cudaOccMaxActiveBlocksPerMultiprocessor(&result, &properties, &kernel, &state, threads, shared);
  return error == CUDA_OCC_SUCCESS ? result.activeBlocksPerMultiprocessor : -static_cast<int>(error);
}

}  // namespace

int main() {
  const Device devices[] = {
      {8, 0, 2048, 164}, {8, 6, 1536, 100}, {8, 9, 1536, 100}, {9, 0, 2048, 228}, {10, 0, 2048, 228}};
  for (const Device& device : devices) {
    for (const int threads : {1, 32, 96, 128, 160, 256, 512, 768, 1000, 1024}) {
      for (const int registers : {1, 24, 32, 33, 64, 80, 168, 255}) {
        for (const int shared : {0, 1, 1024, 8192, 40000, 49152, 101376, 166912, 232448}) {
          std::printf("%d%d %d %d %d %d\n", device.major, device.minor, threads, registers, shared,
                      blocks(device, threads, registers, shared));
        }
      }
    }
  }
}
