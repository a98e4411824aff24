// The device, events and errors of the runtime API.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <deque>
#include <map>

#include "kernels/common/emulator/program/device_memory.h"
#include "kernels/common/emulator/program/faults.h"
#include "kernels/common/emulator/program/program.h"
#include "kernels/common/emulator/program/runtime_api.h"

using namespace tern::emulator::program;

struct CUevent_st {
  std::chrono::steady_clock::time_point time;
  bool is_recorded = false;
};

namespace {

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};

constexpr ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration argument"},
    {cudaErrorInvalidPitchValue, "cudaErrorInvalidPitchValue", "invalid pitch argument"},
    {cudaErrorInvalidSymbol, "cudaErrorInvalidSymbol", "invalid device symbol"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorAssert, "cudaErrorAssert", "device-side assert triggered"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout", "the launch timed out and was terminated"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
};

const ErrorText& text_of_error(cudaError_t error) {
  static constexpr ErrorText kUnknown{cudaErrorUnknown, "cudaErrorUnknown", "unknown error"};
  for (const ErrorText& one : kErrors) {
    if (one.error == error) return one;
  }
  return kUnknown;
}

cudaError_t check_device(int device) {
  return returned(device == 0 ? sticky_error() : cudaErrorInvalidDevice);
}

struct Attribute {
  template <typename T>
  Attribute(cudaDeviceAttr attribute, T number) : first(attribute), second(static_cast<int>(number)) {}
  cudaDeviceAttr first;
  int second;
};

/// As they are told; there is no other effect.
std::map<cudaLimit, size_t>& limits() {
  static std::map<cudaLimit, size_t> all{
      {cudaLimitStackSize, 1024}, {cudaLimitPrintfFifoSize, 1 << 20}, {cudaLimitMallocHeapSize, 8 << 20}};
  return all;
}

}  // namespace

const char* cudaGetErrorString(cudaError_t error) {
  return text_of_error(error).text;
}

const char* cudaGetErrorName(cudaError_t error) {
  return text_of_error(error).name;
}

cudaError_t cudaDeviceSynchronize() {
  return returned(sticky_error());
}

cudaError_t cudaDeviceReset() {
  return returned(sticky_error());
}

cudaError_t cudaSetDevice(int device) {
  return check_device(device);
}

cudaError_t cudaDeviceSetLimit(cudaLimit limit, size_t value) {
  limits()[limit] = value;
  return returned(sticky_error());
}

cudaError_t cudaDeviceGetLimit(size_t* value, cudaLimit limit) {
  *value = limits()[limit];
  return returned(sticky_error());
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  *total = DeviceMemory::instance().total_bytes();
  *free = *total - DeviceMemory::instance().used_bytes();
  return returned(sticky_error());
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device) {
  cudaDeviceProp& p = *properties;
  p = {};
  const std::string name = "emulated " + options().report_options.device;
  std::memcpy(p.name, name.data(), std::min(name.size(), sizeof p.name - 1));
  p.totalGlobalMem = DeviceMemory::instance().total_bytes();
  p.sharedMemPerBlock = 48 << 10;
  p.sharedMemPerBlockOptin = tern::emulator::kMaxSharedBytes;
  p.sharedMemPerMultiprocessor = 228 << 10;
  p.regsPerBlock = p.regsPerMultiprocessor = 65536;
  p.warpSize = 32;
  p.memPitch = 0x7fffffff;
  p.maxThreadsPerBlock = 1024;
  p.maxThreadsPerMultiProcessor = 2048;
  p.maxBlocksPerMultiProcessor = 32;
  p.maxThreadsDim[0] = p.maxThreadsDim[1] = 1024;
  p.maxThreadsDim[2] = 64;
  p.maxGridSize[0] = 0x7fffffff;
  p.maxGridSize[1] = p.maxGridSize[2] = 65535;
  p.totalConstMem = 64 << 10;
  p.major = 9;
  p.multiProcessorCount = 132;
  p.clockRate = 1980000;        // kHz
  p.memoryClockRate = 2619000;  // kHz
  p.memoryBusWidth = 5120;
  p.l2CacheSize = 50 << 20;
  p.textureAlignment = 512;
  p.texturePitchAlignment = 32;
  p.canMapHostMemory = p.concurrentKernels = p.unifiedAddressing = p.managedMemory =
      p.concurrentManagedAccess = 1;
  p.deviceOverlap = p.streamPrioritiesSupported = p.globalL1CacheSupported = p.localL1CacheSupported = 1;
  p.asyncEngineCount = 3;
  return check_device(device);
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int device) {
  cudaDeviceProp p;
  if (const cudaError_t error = cudaGetDeviceProperties(&p, device); error != cudaSuccess) return error;
  const Attribute known[] = {{cudaDevAttrMaxThreadsPerBlock, p.maxThreadsPerBlock},
                             {cudaDevAttrMaxBlockDimX, p.maxThreadsDim[0]},
                             {cudaDevAttrMaxBlockDimY, p.maxThreadsDim[1]},
                             {cudaDevAttrMaxBlockDimZ, p.maxThreadsDim[2]},
                             {cudaDevAttrMaxGridDimX, p.maxGridSize[0]},
                             {cudaDevAttrMaxGridDimY, p.maxGridSize[1]},
                             {cudaDevAttrMaxGridDimZ, p.maxGridSize[2]},
                             {cudaDevAttrMaxSharedMemoryPerBlock, p.sharedMemPerBlock},
                             {cudaDevAttrTotalConstantMemory, p.totalConstMem},
                             {cudaDevAttrWarpSize, p.warpSize},
                             {cudaDevAttrMaxPitch, p.memPitch},
                             {cudaDevAttrMaxRegistersPerBlock, p.regsPerBlock},
                             {cudaDevAttrClockRate, p.clockRate},
                             {cudaDevAttrGpuOverlap, p.deviceOverlap},
                             {cudaDevAttrMultiProcessorCount, p.multiProcessorCount},
                             {cudaDevAttrKernelExecTimeout, p.kernelExecTimeoutEnabled},
                             {cudaDevAttrIntegrated, p.integrated},
                             {cudaDevAttrCanMapHostMemory, p.canMapHostMemory},
                             {cudaDevAttrComputeMode, p.computeMode},
                             {cudaDevAttrConcurrentKernels, p.concurrentKernels},
                             {cudaDevAttrEccEnabled, p.ECCEnabled},
                             {cudaDevAttrMemoryClockRate, p.memoryClockRate},
                             {cudaDevAttrGlobalMemoryBusWidth, p.memoryBusWidth},
                             {cudaDevAttrL2CacheSize, p.l2CacheSize},
                             {cudaDevAttrMaxThreadsPerMultiProcessor, p.maxThreadsPerMultiProcessor},
                             {cudaDevAttrAsyncEngineCount, p.asyncEngineCount},
                             {cudaDevAttrUnifiedAddressing, p.unifiedAddressing},
                             {cudaDevAttrComputeCapabilityMajor, p.major},
                             {cudaDevAttrComputeCapabilityMinor, p.minor},
                             {cudaDevAttrStreamPrioritiesSupported, p.streamPrioritiesSupported},
                             {cudaDevAttrMaxSharedMemoryPerMultiprocessor, p.sharedMemPerMultiprocessor},
                             {cudaDevAttrMaxRegistersPerMultiprocessor, p.regsPerMultiprocessor},
                             {cudaDevAttrManagedMemory, p.managedMemory},
                             {cudaDevAttrHostNativeAtomicSupported, 0},
                             {cudaDevAttrPageableMemoryAccess, p.pageableMemoryAccess},
                             {cudaDevAttrConcurrentManagedAccess, p.concurrentManagedAccess},
                             {cudaDevAttrCooperativeLaunch, p.cooperativeLaunch},
                             {cudaDevAttrMaxSharedMemoryPerBlockOptin, p.sharedMemPerBlockOptin},
                             {cudaDevAttrMaxBlocksPerMultiprocessor, p.maxBlocksPerMultiProcessor}};
  const auto found = std::find_if(std::begin(known), std::end(known),
                                  [=](const auto& one) { return one.first == attribute; });
  if (found == std::end(known)) return returned(cudaErrorInvalidValue);
  *value = found->second;
  return cudaSuccess;
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  *event = new CUevent_st;
  return returned(sticky_error());
}

cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return returned(sticky_error());
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t) {
  if (event == nullptr) return returned(cudaErrorInvalidResourceHandle);
  event->time = std::chrono::steady_clock::now();
  event->is_recorded = true;
  return returned(sticky_error());
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t begin, cudaEvent_t end) {
  if (begin == nullptr || end == nullptr || !begin->is_recorded || !end->is_recorded)
    return returned(cudaErrorInvalidResourceHandle);
  *milliseconds = std::chrono::duration<float, std::milli>(end->time - begin->time).count();
  return returned(sticky_error());
}

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  static std::deque<char> streams;  // addresses alone, so that each stream is another
  *stream = reinterpret_cast<cudaStream_t>(&streams.emplace_back());
  return returned(sticky_error());
}

long long clock64() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}
